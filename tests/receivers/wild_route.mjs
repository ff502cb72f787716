#!/usr/bin/env node
/*
 * A receiver of Cal.com webhooks as many web applications have it: one route, one afternoon.
 *
 * It works in the demo.  What is wrong with it is what is wrong with receivers read in public; none
 * of it was put there by a switch.  faults.py names who notices.
 *
 *   CALCOM_WEBHOOK_SECRET=... node wild_route.mjs --port 8000
 */
import { createHmac } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';

const secret = process.env.CALCOM_WEBHOOK_SECRET;
const bookings = [];
const mails = [];

async function POST(request) {
  let text = '';
  for await (const chunk of request) text += chunk;
  const body = JSON.parse(text);

  const signature = request.headers['x-cal-signature-256'];
  if (secret && signature) {
    const expected = createHmac('sha256', secret).update(JSON.stringify(body)).digest('hex');
    if (signature !== expected) return [401, { error: 'Invalid signature' }];
  }

  const { triggerEvent, payload } = body;
  switch (triggerEvent) {
    case 'BOOKING_CREATED':
    case 'BOOKING_REQUESTED': {
      const booking = {
        id: String(bookings.length + 1),
        uid: payload.uid,
        bookingId: payload.bookingId,
        start: payload.startTime,
        end: payload.endTime,
        title: payload.title,
        emails: payload.attendees.map((attendee) => attendee.email),
        status: payload.status === 'PENDING' ? 'requested' : 'confirmed',
      };
      bookings.push(booking);
      mails.push({ kind: booking.status === 'requested' ? 'requested' : 'created', booking });
      break;
    }
    case 'BOOKING_RESCHEDULED': {
      const booking = bookings.find(({ uid }) => uid === payload.uid);
      if (booking) {
        Object.assign(booking, { start: payload.startTime, end: payload.endTime });
        mails.push({ kind: 'rescheduled', booking });
      }
      break;
    }
    case 'BOOKING_CANCELLED': {
      const [{ email }] = payload.attendees;
      const booking = bookings.find(({ emails }) => emails.includes(email));
      if (booking) {
        Object.assign(booking, { status: 'cancelled', reason: payload.cancellationReason });
        mails.push({ kind: 'cancelled', booking });
      }
      break;
    }
    default:
      console.log(`Unhandled event for booking ${payload.uid}`);
  }
  return [200, { received: true }];
}

// --- what a conformance run looks at ------------------------------------------------------------

function probe(url) {
  const uids = new Set(url.searchParams.getAll('uid'));
  const about = ({ uid }) => uids.has(uid);
  const appointments = bookings.filter(about).map((booking) => ({
    id: booking.id,
    uid: booking.uid,
    bookingId: booking.bookingId ?? null,
    rescheduleUid: null,
    status: booking.status,
    startTime: booking.start,
    endTime: booking.end,
    rescheduledFrom: null,
    cancellationReason: booking.reason ?? null,
    attendees: booking.emails,
    title: booking.title ?? null,
  }));
  const sent = mails.map(({ kind, booking: { uid, id } }) => ({ kind, uid, appointment: id }));
  return {
    appointments,
    deliveries: [],
    effects: sent.filter(about),
    notices: [],
    pending: 0,
    totals: { appointments: bookings.length, deliveries: 0, effects: sent.length, notices: 0 },
  };
}

async function serve(request, response) {
  const url = new URL(request.url, 'http://localhost');
  let result;
  try {
    if (url.pathname === '/_testing/probe') result = [200, probe(url)];
    else if (request.method !== 'POST') result = [405, { error: 'Method not allowed' }];
    else result = await POST(request);
  } catch (error) {
    console.error('Webhook error:', error.message);
    result = [500, { error: 'Internal server error' }];
  }
  response.writeHead(result[0], { 'content-type': 'application/json' });
  response.end(JSON.stringify(result[1]));
}

if (process.env.MUTANT_HIT) fs.writeFileSync(process.env.MUTANT_HIT, '');
http.createServer(serve).listen(Number(process.argv[process.argv.indexOf('--port') + 1]), '127.0.0.1');
