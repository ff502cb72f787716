'use strict'

// A receiver of Cal.com webhooks on Fastify and better-sqlite3, as fast as we could write it:
// what the reference receiver is measured against.
//
//     node server.js single|group|alike PORT FILE
//
// It verifies the signature over the raw body, parses it, stores it under a unique id and answers
// 202 after the commit; `group` shares one commit among all requests of a turn of the event loop.
// These two log nothing, count nothing and bound no header block, all of which the reference
// receiver does.  `alike` shares commits too, and writes what the reference receiver writes: the
// rows of its tables, with all of their indexes, in the file that it has made; its counts; and a
// line of the log for each delivery.

const { createHash, createHmac, timingSafeEqual } = require('node:crypto')
const Database = require('better-sqlite3')
const fastify = require('fastify')
const pino = require('pino')

const [mode, port, file] = process.argv.slice(2)
const secret = process.env.CALCOM_WEBHOOK_SECRET

const db = new Database(file)
// The reference receiver's own.
db.pragma('page_size = 8192')
db.pragma('journal_mode = WAL')
db.pragma('synchronous = FULL')
db.pragma('wal_autocheckpoint = 500')
if (mode !== 'alike') {
  db.exec(`CREATE TABLE IF NOT EXISTS webhook_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook_id TEXT NOT NULL UNIQUE,
    event_type TEXT NOT NULL,
    uid TEXT,
    payload BLOB NOT NULL,
    state TEXT NOT NULL,
    received_at INTEGER NOT NULL
  )`)
  db.exec("CREATE INDEX IF NOT EXISTS waiting ON webhook_events (id) WHERE state = 'waiting'")
}

// How one delivery is stored, and what else a commit writes about all of those in it.
function plain () {
  const insert = db.prepare(`INSERT INTO webhook_events
    (webhook_id, event_type, uid, payload, state, received_at) VALUES (?, ?, ?, ?, 'waiting', ?)
    ON CONFLICT (webhook_id) DO NOTHING`)
  return {
    store: ({ id, trigger, uid, body, at }) => insert.run(id, trigger, uid, body, at),
    count: () => {}
  }
}

function alike () {
  const insert = db.prepare(`INSERT INTO webhook_events
    (webhook_id, event_type, uid, booking_id, queue, booking, rank, state,
     due_at, tries, interruptions, received_at)
    VALUES (?, ?, ?, ?, 'webhooks', ?, ?, 'waiting', ?, 0, 0, ?) ON CONFLICT DO NOTHING`)
  const keep = db.prepare('INSERT INTO webhook_bodies (id, body) VALUES (?, ?)')
  const add = db.prepare(`INSERT INTO webhook_stats AS s
    (event_type, writer, received, duplicates, done, failed, dead,
     seconds_total, seconds_last, last_at) VALUES (?, 0, ?, ?, 0, 0, 0, 0, 0, 0)
    ON CONFLICT (event_type, writer) DO UPDATE SET
      received = s.received + excluded.received, duplicates = s.duplicates + excluded.duplicates`)
  return {
    store: ({ id, trigger, uid, bookingId, body, at }) => {
      const booking = uid === null ? `id ${bookingId}` : `uid ${uid}`
      const done = insert.run(id, trigger, uid, bookingId, booking, at, at, at)
      if (done.changes) keep.run(done.lastInsertRowid, body)
      return done.changes
    },
    count: (rows, fresh) => {
      const received = new Map()
      for (const { trigger } of rows) received.set(trigger, (received.get(trigger) ?? 0) + 1)
      const known = rows.filter((row, at) => !fresh[at])
      for (const [trigger, amount] of received) {
        add.run(trigger, amount, known.filter((row) => row.trigger === trigger).length)
      }
    }
  }
}

const table = mode === 'alike' ? alike() : plain()

const insertAll = db.transaction((rows) => {
  table.count(rows, rows.map(table.store))
})

// Written when there is enough of it, not line by line.
const log = pino(pino.destination({ sync: false, minLength: 4096 }))

// What waits for the commit at the end of this turn, and who waits for it.
let rows = []
let waiting = []

function commit () {
  const [now, those] = [rows, waiting]
  rows = []
  waiting = []
  let problem = null
  try {
    insertAll(now)
  } catch (error) {
    problem = error
  }
  for (const { resolve, reject } of those) problem ? reject(problem) : resolve()
}

function together (row) {
  return new Promise((resolve, reject) => {
    if (rows.length === 0) setImmediate(commit)
    rows.push(row)
    waiting.push({ resolve, reject })
  })
}

const store = mode === 'single' ? table.store : together

function authentic (body, given) {
  const right = createHmac('sha256', secret).update(body).digest()
  const claimed = Buffer.from(given ?? '', 'hex')
  return claimed.length === right.length && timingSafeEqual(claimed, right)
}

const app = fastify({ logger: false, bodyLimit: 1024 * 1024 })

// The signature is over the bytes that came, so nobody may parse them first.
app.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => done(null, body))
app.removeContentTypeParser('application/json')

app.post('/api/webhooks/calcom', async (request, reply) => {
  const body = request.body
  if (!Buffer.isBuffer(body) || !authentic(body, request.headers['x-cal-signature-256'])) {
    return reply.code(401).type('text/plain').send('Invalid signature')
  }
  let told
  try {
    told = JSON.parse(body)
  } catch {
    told = null
  }
  const trigger = told?.triggerEvent
  const payload = told?.payload
  if (typeof trigger !== 'string' || typeof payload !== 'object' || payload === null) {
    return reply.code(400).send({ error: 'Invalid payload' })
  }
  // As the reference receiver has it: what comes together lies together in the index.
  const made = typeof told.createdAt === 'string' ? told.createdAt.replace(/\D/g, '') : ''
  const id = (made + createHash('sha256').update(body).digest('hex')).slice(0, 64)
  const [uid, bookingId] = [payload.uid ?? null, payload.bookingId ?? payload.id ?? null]
  if (mode === 'alike') {
    const named = { triggerEvent: trigger, calcomBookingId: bookingId, uid, webhookId: id }
    log.info(named, 'Cal.com webhook received')
  }
  const at = Date.now() * 1000
  await store({ id, trigger, uid, bookingId: bookingId?.toString() ?? null, body, at })
  return reply.code(202).send({ status: 'accepted' })
})

app.listen({ host: '127.0.0.1', port: Number(port) })

process.on('SIGTERM', async () => {
  await app.close()
  db.close()
  process.exit(0)
})
