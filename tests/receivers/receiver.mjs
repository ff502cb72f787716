#!/usr/bin/env node
/*
 * A receiver of Cal.com webhooks for Node 20, without any package.
 *
 * Durability is an append-only journal: a delivery is answered after its line has been fsynced, and
 * a start reads the journal from its beginning.  Everything else is memory.  What becomes of an
 * appointment is folded from all that happened to its bookings, ordered by when it happened.
 *
 *   CALCOM_WEBHOOK_SECRET=... STORE=journal.jsonl node receiver.mjs [--port 8000] [--testing]
 *
 * With --testing the probe and the provider states of docs/for-receivers.md are offered as well.
 * FAULT names one mistake that it makes then; see faults.py.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { BadPayload, Book, readFact } from './appointments.mjs';
import { wrong } from './fault.mjs';

const argument = (name) => process.argv[process.argv.indexOf(name) + 1];
const SECRET = process.env.CALCOM_WEBHOOK_SECRET ?? '';
const STORE = process.env.STORE ?? 'journal.jsonl';
const PORT = process.argv.includes('--port') ? argument('--port') : (process.env.PORT ?? 8000);
const TESTING = process.argv.includes('--testing');

const PATH = '/api/webhooks/calcom';
const BODY_LIMIT = 4 * 1024 * 1024;
const DRAIN_LIMIT = 32 * 1024 * 1024;
const BODY_MILLISECONDS = 10_000;
/** Waits before the second and the third try; there is no fourth. */
const BACKOFF = [60_000, 300_000];
/** The guide's order: the first header that is present decides. */
const HEADERS = ['x-cal-signature-256', 'cal-signature-256', 'x-cal-signature', 'cal-signature'];
const FLAT = new Set(['MEETING_STARTED', 'MEETING_ENDED']);

if (SECRET.trim() === '') {
  console.error('CALCOM_WEBHOOK_SECRET is not set: a receiver without a secret believes anybody');
  process.exit(2);
}

/** One line of JSON, which nobody's text can break: what a booking is called, and nothing of people. */
const log = (message, about = {}) => console.log(JSON.stringify({ message, ...about }));
const named = ({ id, trigger, uid }) => ({ id, trigger, uid });

// --- the clock, which a provider state may move -------------------------------------------------

let offset = 0;
const now = () => Date.now() + offset;

// --- the journal --------------------------------------------------------------------------------

/** Lines become durable together: whatever has gathered is written and fsynced once. */
class Journal {
  #waiting = [];

  constructor(path) {
    this.path = path;
    this.#open();
  }

  #open() {
    this.file = fs.openSync(this.path, 'a+');
  }

  /** Every line there is; a last one that was cut by a crash was never answered, and goes. */
  lines() {
    const text = fs.readFileSync(this.path, 'utf8');
    const end = text.lastIndexOf('\n') + 1;
    if (end < text.length) fs.ftruncateSync(this.file, Buffer.byteLength(text.slice(0, end)));
    return text.slice(0, end).split('\n').filter(Boolean).map((line) => JSON.parse(line));
  }

  /** Resolves when *entry* is on the disk. */
  append(entry) {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ line: `${JSON.stringify(entry)}\n`, resolve, reject });
      if (this.#waiting.length === 1) setImmediate(() => this.#flush());
    });
  }

  #flush() {
    const batch = this.#waiting;
    this.#waiting = [];
    try {
      if (!wrong('memory-only')) {
        fs.writeSync(this.file, batch.map(({ line }) => line).join(''));
        fs.fsyncSync(this.file);
      }
      for (const { resolve } of batch) resolve();
    } catch (problem) {
      for (const { reject } of batch) reject(problem);
    }
  }

  clear() {
    fs.ftruncateSync(this.file, 0);
  }
}

// --- the inbox and what is done with it ---------------------------------------------------------

const journal = new Journal(STORE);
/** Deliveries by id, in the order of their arrival. */
const inbox = new Map();
const notices = [];
const book = new Book();
let paused = false;
/** What provider states want to go wrong, by uid. */
const failures = new Map();
const slowness = new Map();

function replay() {
  for (const entry of journal.lines()) {
    const delivery = inbox.get(entry.id);
    if (entry.is === 'in') inbox.set(entry.id, arrival(entry));
    else if (entry.is === 'own') book.register(entry.id, entry.start, entry.end);
    else if (entry.is === 'done') finish(delivery, entry);
    else if (entry.is === 'failed') Object.assign(delivery, { tries: entry.tries, due: entry.due });
    else if (entry.is === 'dead') bury(delivery, entry);
  }
}

function arrival({ id, at, body }) {
  const envelope = parse(Buffer.from(body, 'base64'));
  const { trigger, uid } = envelope;
  return { id, at, envelope, trigger, uid, state: 'waiting', tries: 0, due: at };
}

function finish(delivery, { tries }) {
  const fact = readFact(delivery.envelope, delivery.at);
  if (fact !== null) book.tell(fact);
  Object.assign(delivery, { state: 'done', tries, due: null });
}

function bury(delivery, { tries, reason }) {
  Object.assign(delivery, { state: 'dead', tries, due: null });
  const { id, trigger, uid } = delivery;
  notices.push({ delivery: id, trigger, uid, reason });
}

/** Take in a delivery; resolves when it is on the disk, or was. */
async function accept(id, body) {
  const known = inbox.get(id);
  if (known !== undefined) {
    await known.stored;
    return false;
  }
  const entry = { is: 'in', id, at: now(), body: body.toString('base64') };
  const delivery = { ...arrival(entry), state: 'arriving' };
  inbox.set(id, delivery);
  delivery.stored = journal.append(entry);
  try {
    await delivery.stored;
  } catch (problem) {
    inbox.delete(id);
    throw problem;
  }
  delivery.state = 'waiting';
  setImmediate(work);
  return true;
}

/** Begin whatever is due.  Each job runs for itself: one that is slow or fails holds up nobody. */
function work() {
  if (paused) return;
  for (const delivery of inbox.values()) {
    if (delivery.state === 'waiting' && delivery.due <= now()) {
      delivery.state = 'processing';
      run(delivery).catch((problem) => {
        log('journal failed', { problem: problem.code });
        delivery.state = 'waiting';
      });
    }
  }
}

async function run(delivery) {
  const tries = delivery.tries + 1;
  const { id, trigger, uid } = delivery;
  try {
    await sleep((slowness.get(uid) ?? 0) * 1000);
    const left = failures.get(uid) ?? 0;
    if (left !== 0) {
      if (left > 0) failures.set(uid, left - 1);
      throw new Error('a provider state asked for this');
    }
    if (readFact(delivery.envelope, delivery.at) === null) log('unhandled event', { trigger });
  } catch (problem) {
    const reason = problem instanceof BadPayload ? problem.message : 'processing failed';
    log('processing failed', { ...named(delivery), tries, reason });
    if (problem instanceof BadPayload || tries > BACKOFF.length) {
      await journal.append({ is: 'dead', id, tries, reason });
      bury(delivery, { tries, reason });
    } else {
      const due = now() + BACKOFF[tries - 1];
      await journal.append({ is: 'failed', id, tries, due });
      Object.assign(delivery, { state: 'waiting', tries, due });
    }
    return;
  }
  // One line is the transaction: with it the effect and the mark are there, without it neither.
  await journal.append({ is: 'done', id, tries });
  finish(delivery, { tries });
  log('processed', { ...named(delivery), tries });
}

// --- authenticity -------------------------------------------------------------------------------

function trimmed(body) {
  let end = body.length;
  while (end > 0 && (body[end - 1] === 10 || body[end - 1] === 13)) end -= 1;
  return body.subarray(0, end);
}

const digest = (body) => createHmac('sha256', SECRET).update(body).digest('hex');

function equal(given, expected) {
  if (wrong('hex-decoded')) {
    const bare = [given, expected].map((it) => Buffer.from(it.replace('sha256=', ''), 'hex'));
    return bare[0].length === bare[1].length && timingSafeEqual(...bare);
  }
  // Header values arrive as latin1: one character is one byte.
  const [left, right] = [Buffer.from(given, 'latin1'), Buffer.from(expected, 'latin1')];
  if (wrong('length-unchecked') && given.startsWith('sha256=') === expected.startsWith('sha256=')) {
    return timingSafeEqual(left, right);
  }
  return left.length === right.length && timingSafeEqual(left, right);
}

/** Why *body* is not authentic, in the guide's words; null when it is. */
function refusal(request, body) {
  const name = HEADERS.find((header) => header in request.headersDistinct);
  const values = new Set(name ? request.headersDistinct[name] : []);
  const [given = ''] = values;
  if (given === '') return 'Missing signature';
  let signed = body;
  if (wrong('reserialised')) {
    try {
      signed = Buffer.from(JSON.stringify(JSON.parse(body.toString())));
    } catch {
      signed = body;
    }
  }
  const digests = [digest(signed), digest(trimmed(signed))];
  const right = digests.flatMap((it) => [it, `sha256=${it}`]).map((it) => equal(given, it));
  // A header that says two things at once is taken for neither.
  return values.size === 1 && right.includes(true) ? null : 'Invalid signature';
}

// --- the envelope -------------------------------------------------------------------------------

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** JSON without loss: whole numbers beyond 2^53 come as text. */
function parseJson(body) {
  const text = utf8.decode(body);
  const value = JSON.parse(text);
  if (wrong('numbers-rounded') || !/\d{16}/.test(text)) return value;
  const token = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
  return JSON.parse(text.replace(token, (it) => (/^-?\d{16,}$/.test(it) ? `"${it}"` : it)));
}

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The envelope in *body*, or null when it is none. */
function parse(body) {
  let root;
  try {
    root = parseJson(body);
  } catch {
    return null;
  }
  if (!isObject(root) || typeof root.triggerEvent !== 'string' || !root.triggerEvent) return null;
  const { triggerEvent: trigger, payload, createdAt } = root;
  if (wrong('payload-needed')) log('parsed', { uid: payload.uid });
  if (isObject(payload) && Object.keys(payload).length > 0) {
    const uid = [payload.uid, payload.bookingUid].find((it) => typeof it === 'string' && it) ?? null;
    return { trigger, payload, uid, createdAt };
  }
  // The only two that Cal.com sends without a payload: the booking's row lies at the root.
  const { uid } = root;
  const flat = FLAT.has(trigger) && !('payload' in root) && typeof uid === 'string' && uid;
  return flat ? { trigger, payload: root, uid } : null;
}

// --- HTTP ---------------------------------------------------------------------------------------

class TooLarge extends Error {}

/** The whole body as bytes, however it was cut. */
async function read(request) {
  const chunks = [];
  let text = '';
  let size = Number(request.headers['content-length'] ?? 0) > BODY_LIMIT ? Infinity : 0;
  let drained = 0;
  for await (const chunk of request) {
    size += chunk.length;
    drained += chunk.length;
    if (size <= BODY_LIMIT) chunks.push(chunk);
    if (wrong('text-chunks')) text += chunk;
    // What is refused is read for a while: a sender that still writes would not see its answer.
    if (drained > DRAIN_LIMIT) break;
  }
  if (size > BODY_LIMIT) throw new TooLarge();
  return wrong('text-chunks') ? Buffer.from(text) : Buffer.concat(chunks);
}

function answer(response, status, content, headers = {}) {
  const plain = typeof content === 'string';
  const body = plain ? content : JSON.stringify(content);
  const type = plain ? 'text/plain; charset=utf-8' : 'application/json';
  const length = Buffer.byteLength(body);
  response.writeHead(status, { 'content-type': type, 'content-length': length, ...headers });
  response.end(body);
}

async function receive(request, response) {
  if (request.method !== 'POST') {
    return answer(response, 405, { error: 'Method not allowed' }, { allow: 'POST' });
  }
  const body = await read(request);
  const problem = refusal(request, body);
  if (problem !== null) {
    log('refused', { problem });
    return answer(response, 401, problem);
  }
  const envelope = parse(body);
  if (envelope === null) {
    log('invalid payload');
    return answer(response, 400, { error: 'Invalid payload' });
  }
  const id = createHash('sha256').update(trimmed(body)).digest('hex');
  try {
    const fresh = await accept(id, body);
    log(fresh ? 'received' : 'duplicate ignored', named({ id, ...envelope }));
  } catch (failure) {
    log('not stored', { id, problem: failure.code });
    return answer(response, 503, { error: 'Service unavailable' }, { 'retry-after': 5 });
  }
  return answer(response, 202, { status: 'accepted' });
}

// --- for conformance runs only ------------------------------------------------------------------

function probe(url) {
  const uids = new Set(url.searchParams.getAll('uid'));
  const ids = new Set(url.searchParams.getAll('appointment'));
  const deliveries = [...inbox.values()];
  const due = ({ state, due }) => state !== 'waiting' || due <= now();
  return {
    ...book.look(uids, ids),
    deliveries: deliveries.filter(({ uid }) => uids.has(uid)).map((it) => ({
      id: it.id,
      trigger: it.trigger,
      uid: it.uid,
      state: it.state === 'arriving' ? 'waiting' : it.state,
      tries: it.tries,
      nextTrySeconds: it.state === 'waiting' && !due(it) ? (it.due - now()) / 1000 : null,
    })),
    notices: notices.filter(({ uid }) => uids.has(uid)),
    pending: deliveries.filter((it) => !['done', 'dead'].includes(it.state) && due(it)).length,
    totals: { ...book.totals(), deliveries: inbox.size, notices: notices.length },
  };
}

const STATES = {
  'appointment exists': async ({ id, startTime, endTime }) => {
    const [start = null, end = null] = [startTime, endTime].map((it) => it && Date.parse(it));
    await journal.append({ is: 'own', id, start, end });
    book.register(id, start, end);
  },
  'processing fails': ({ uid, times }) => failures.set(uid, times),
  'processing is slow': ({ uid, seconds }) => slowness.set(uid, seconds),
  'clock advances': ({ seconds }) => { offset += seconds * 1000; work(); },
  'worker pauses': () => { paused = true; },
  'worker resumes': () => { paused = false; work(); },
  reset: () => {
    for (const memory of [inbox, failures, slowness, book]) memory.clear();
    notices.length = 0;
    [offset, paused] = [0, false];
    journal.clear();
  },
};

async function testing(request, response, url) {
  if (url.pathname === '/_testing/probe') {
    // JSON.stringify knows no whole numbers beyond 2^53, so they travel as text up to here.
    const text = JSON.stringify(probe(url)).replaceAll(/"bookingId":"(\d+)"/g, '"bookingId":$1');
    response.writeHead(200, { 'content-type': 'application/json' });
    return response.end(text);
  }
  let asked;
  try {
    asked = JSON.parse((await read(request)).toString());
  } catch {
    return answer(response, 400, { error: 'this is no JSON' });
  }
  const state = Object.hasOwn(STATES, asked?.state) ? STATES[asked.state] : null;
  if (state === null) return answer(response, 404, { error: 'there is no such state' });
  await state(asked.params ?? {});
  return answer(response, 200, { ok: true });
}

// --- start --------------------------------------------------------------------------------------

async function handle(request, response) {
  const url = new URL(request.url, 'http://localhost');
  try {
    if (url.pathname === PATH) await receive(request, response);
    else if (TESTING && url.pathname.startsWith('/_testing/')) await testing(request, response, url);
    else answer(response, 404, { error: 'Not found' });
  } catch (problem) {
    if (request.errored || response.destroyed) return;
    if (problem instanceof TooLarge) {
      answer(response, 413, { error: 'Payload too large' }, { connection: 'close' });
    } else {
      log('failed', { problem: problem.name });
      answer(response, 500, { error: 'Server error' });
    }
  }
}

replay();
setInterval(work, 500);
setImmediate(work);
http
  .createServer({ requestTimeout: BODY_MILLISECONDS, connectionsCheckingInterval: 500 }, handle)
  .listen(Number(PORT), '127.0.0.1', () => log('listening', { port: Number(PORT) }));
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
