/*
 * What happened to bookings, and the appointments that it adds up to.
 *
 * A fact is what one delivery tells.  Appointments are folded anew from all facts that have to do
 * with each other whenever one more is known, so the order of arrival cannot matter.
 */
import { createHash } from 'node:crypto';
import { wrong } from './fault.mjs';

/** The payload lacks what is needed to act on it; no later try would go better. */
export class BadPayload extends Error {}

const KINDS = {
  BOOKING_PAYMENT_INITIATED: 'payment_initiated',
  BOOKING_REQUESTED: 'requested',
  BOOKING_CREATED: 'created',
  BOOKING_CONFIRMED: 'confirmed',
  BOOKING_PAID: 'paid',
  BOOKING_RESCHEDULED: 'rescheduled',
  BOOKING_REJECTED: 'rejected',
  BOOKING_CANCELLED: 'cancelled',
  FORM_SUBMITTED: 'form_submitted',
};
/** At the same instant what is further along the way comes later. */
const ORDER = Object.keys(KINDS);
const INTRODUCES = new Set(ORDER.slice(0, 3));
const LINKS = new Set(['BOOKING_REQUESTED', 'BOOKING_CREATED', 'BOOKING_RESCHEDULED']);
const NEEDS_START = new Set([...INTRODUCES, 'BOOKING_RESCHEDULED']);
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const isNothing = (value) => value === undefined || value === null || value === '';

// --- reading ------------------------------------------------------------------------------------

const INSTANT = /^(\d{4}-\d\d-(\d\d))[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

/** Milliseconds since 1970, or null for what is no instant. */
function instant(value) {
  const parts = typeof value === 'string' ? INSTANT.exec(value) : null;
  if (parts === null) return null;
  // Date rolls the 30th of February over into March.
  if (new Date(`${parts[1]}T00:00:00Z`).getUTCDate() !== Number(parts[2])) return null;
  const milliseconds = Date.parse(value.toUpperCase());
  return Number.isNaN(milliseconds) ? null : milliseconds;
}

function text(payload, name) {
  const value = payload[name];
  if (isNothing(value)) return null;
  if (typeof value !== 'string') throw new BadPayload(`${name} is no text`);
  return value;
}

function time(payload, name) {
  if (isNothing(payload[name])) return null;
  const value = instant(payload[name]);
  if (value === null) throw new BadPayload(`${name} is no instant`);
  return value;
}

/** A booking's number as decimal digits: it may be larger than a JavaScript number can tell. */
function number(payload) {
  for (const name of ['calcomBookingId', 'bookingId']) {
    const value = payload[name];
    if (Number.isSafeInteger(value) || (typeof value === 'string' && /^\d{1,18}$/.test(value))) {
      return String(value);
    }
    if (!isNothing(value) && typeof value !== 'string') throw new BadPayload(`${name} is no number`);
  }
  return null;
}

function people(payload) {
  const list = payload.attendees ?? [];
  if (!Array.isArray(list) || !list.every(isObject)) throw new BadPayload('attendees are no list');
  return list.map((person) => text(person, 'email')).filter((address) => address !== null);
}

/** The fact that an envelope tells; null for a trigger event that is none of our business. */
export function readFact({ trigger, payload, createdAt }, receivedAt) {
  if (!Object.hasOwn(KINDS, trigger)) return null;
  if (trigger === 'FORM_SUBMITTED') return form(payload);
  const happened = instant(createdAt);
  const undated = happened === null && INTRODUCES.has(trigger);
  const fact = {
    trigger,
    // What introduces a booking and has no date was sent before whatever else we hear of it.
    at: undated ? -Infinity : (happened ?? receivedAt),
    uid: text(payload, 'uid'),
    number: number(payload),
    before: text(payload, 'rescheduleUid'),
    own: ownId(payload),
    start: time(payload, 'startTime'),
    end: time(payload, 'endTime'),
    from: time(payload, 'previousStartTime') ?? time(payload, 'rescheduleStartTime'),
    title: text(payload, 'title'),
    people: people(payload),
    seats: Number(payload.seatsPerTimeSlot ?? 0) > 0,
    seat: text(payload, 'attendeeSeatId'),
    status: text(payload, 'status'),
    reason: text(payload, 'cancellationReason') ?? text(payload, 'rejectionReason'),
  };
  fact.name = fact.uid ?? (fact.number === null ? null : `#${fact.number}`);
  if (fact.name === null) throw new BadPayload('no booking is named');
  if (NEEDS_START.has(trigger) && fact.start === null) throw new BadPayload('startTime is missing');
  fact.key = JSON.stringify([trigger, fact.name, ...detail(fact, payload)]);
  return fact;
}

function form(payload) {
  const answers = createHash('sha256').update(JSON.stringify(payload)).digest('hex');
  const uid = typeof payload.uid === 'string' ? payload.uid : null;
  return { trigger: 'FORM_SUBMITTED', name: null, uid, key: `FORM_SUBMITTED ${answers}` };
}

function ownId(payload) {
  const metadata = payload.metadata ?? {};
  if (!isObject(metadata)) throw new BadPayload('metadata is no object');
  const id = metadata.askproai_appointment_id;
  return isNothing(id) ? null : String(id);
}

/** What sets an occurrence apart from others of its trigger and booking. */
function detail(fact, payload) {
  const { trigger, start, before, from, seat, seats, people } = fact;
  if (trigger === 'BOOKING_RESCHEDULED') return [start, before, from, seat];
  if (trigger.startsWith('BOOKING_PA')) return [payload.paymentId ?? null];
  if (trigger === 'BOOKING_CREATED' && seats) return [seat ?? people];
  // The row's id tells the same person's second seat from the first.
  const row = (person) => `${person.id ?? ''} ${person.email}`;
  if (trigger === 'BOOKING_CANCELLED' && seats) return (payload.attendees ?? []).map(row).sort();
  return [];
}

// --- one booking --------------------------------------------------------------------------------

const byTime = (one, other) =>
  one.at - other.at || ORDER.indexOf(one.trigger) - ORDER.indexOf(other.trigger) || 0;
const LIVE = new Set(['scheduled', 'requested', 'confirmed']);

/** How a booking stands after *facts*, told in their order. */
function stand(name, facts) {
  const it = {
    uid: null, number: null, before: null, status: 'scheduled', start: null, end: null,
    from: null, reason: null, title: null, people: [], over: false, last: -Infinity,
  };
  const byArrival = (one, other) => one.arrived - other.arrived;
  const told = [...facts].sort(wrong('order-of-arrival') ? byArrival : byTime);
  for (const fact of told) {
    it.last = Math.max(it.last, fact.at);
    if (fact.name !== name && movesSeat(fact) && fact.before === name) leave(it, fact);
    else if (!it.over) apply(it, fact);
  }
  return it;
}

/** A seat that is moved takes its person along, and leaves the others where they are. */
const movesSeat = (fact) =>
  fact.trigger === 'BOOKING_RESCHEDULED' && fact.seats && fact.seat && fact.before !== fact.uid;

function apply(it, fact) {
  const says = ['BOOKING_CREATED', 'BOOKING_REQUESTED', 'BOOKING_RESCHEDULED'].includes(fact.trigger);
  const former = it.start;
  it.uid = fact.uid ?? it.uid;
  it.number ??= fact.number;
  it.title = says ? (fact.title ?? it.title) : (it.title ?? fact.title);
  if (fact.start !== null && (says || it.start === null)) [it.start, it.end] = [fact.start, fact.end];
  if (says) it.before = fact.before ?? it.before;
  if (says && fact.seats) it.people = [...new Set([...it.people, ...fact.people])];
  else if (fact.people.length > 0 && (says || (it.people.length === 0 && !fact.seats))) {
    it.people = fact.people;
  }
  switch (fact.trigger) {
    case 'BOOKING_REQUESTED':
      if (it.status === 'scheduled') it.status = 'requested';
      break;
    case 'BOOKING_CREATED':
    case 'BOOKING_CONFIRMED':
      [it.status, it.reason] = ['confirmed', null];
      break;
    case 'BOOKING_PAID':
      if (fact.status === 'ACCEPTED') it.status = 'confirmed';
      break;
    case 'BOOKING_RESCHEDULED':
      it.from = fact.from ?? former;
      if (fact.status === 'PENDING') it.status = 'requested';
      else if (fact.status !== null || it.status !== 'requested') it.status = 'confirmed';
      break;
    case 'BOOKING_REJECTED':
      Object.assign(it, { status: 'rejected', reason: fact.reason, over: true });
      break;
    case 'BOOKING_CANCELLED':
      if (fact.seats && fact.people.length > 0) leave(it, fact);
      else Object.assign(it, { status: 'cancelled', over: true });
      if (it.status === 'cancelled') it.reason = fact.reason ?? 'Cal.com booking cancelled';
      break;
    default:
      if (wrong('payment-confirms')) it.status = 'confirmed';
  }
}

function leave(it, fact) {
  const gone = new Set(fact.people.map((address) => address.toLowerCase()));
  it.people = it.people.filter((address) => !gone.has(address.toLowerCase()));
  // Not over: the next seat of this slot is booked under the same uid.
  if (it.people.length === 0 && LIVE.has(it.status)) it.status = 'cancelled';
}

// --- all of them --------------------------------------------------------------------------------

export class Book {
  constructor() {
    this.clear();
  }

  clear() {
    this.facts = new Map();
    this.effects = [];
    this.own = new Map();
    this.appointments = new Map();
    /** The appointment of each booking, by the booking's name. */
    this.homes = new Map();
    /** Facts by what they have in common with others. */
    this.index = new Map();
    this.made = 0;
  }

  totals() {
    return { appointments: this.appointments.size, effects: this.effects.length };
  }

  /** Let the book know of *fact*; what it knows already has no second effect. */
  tell(fact) {
    const known = this.facts.get(fact.key);
    if (known !== undefined && !(fact.at < known.at)) return;
    if (known === undefined) {
      const { trigger, uid, name } = fact;
      this.effects.push({ kind: KINDS[trigger], uid, name });
    } else {
      // The same occurrence, told by one who saw it earlier.
      for (const place of places(known)) this.index.get(place).delete(known);
    }
    fact.arrived = known?.arrived ?? this.facts.size;
    this.facts.set(fact.key, fact);
    if (fact.name === null) return;
    for (const place of places(fact)) {
      if (!this.index.has(place)) this.index.set(place, new Set());
      this.index.get(place).add(fact);
    }
    this.settle(this.related([fact]));
  }

  /** An appointment of our own, which a booking may name. */
  register(id, start, end) {
    this.own.set(id, { start, end });
    this.appointments.set(id, { ...blank, id, start, end });
    this.settle(this.related([...(this.index.get(`own ${id}`) ?? [])]));
  }

  related(some) {
    const found = new Set(some);
    for (const fact of found) {
      for (const place of wayOut(fact)) {
        for (const other of this.index.get(place) ?? []) found.add(other);
      }
    }
    return [...found];
  }

  settle(facts) {
    const former = facts.map(({ name }) => this.homes.get(name)).filter(Boolean);
    for (const id of [...former, ...facts.map(({ own }) => own)]) {
      if (this.own.has(id)) this.appointments.set(id, { ...blank, id, ...this.own.get(id) });
      else this.appointments.delete(id);
    }
    const taken = new Set();
    for (const appointment of fold(facts, this.own)) {
      const homes = [...appointment.names].map((name) => this.homes.get(name));
      const free = homes.find((id) => id !== undefined && !taken.has(id) && !this.own.has(id));
      const id = appointment.id ?? free ?? `cal-${(this.made += 1)}`;
      taken.add(id);
      this.appointments.set(id, { ...appointment, id });
      for (const name of appointment.names) this.homes.set(name, id);
    }
  }

  look(uids, ids) {
    const wanted = new Set([...ids, ...[...uids].map((uid) => this.homes.get(uid))]);
    const told = this.effects.map(({ kind, uid, name }) => {
      return { kind, uid, appointment: this.homes.get(name) ?? null };
    });
    const about = ({ uid, appointment }) => uids.has(uid) || ids.has(appointment);
    const appointments = [...this.appointments.values()].filter(({ id }) => wanted.has(id));
    return { appointments: appointments.map(shown), effects: told.filter(about) };
  }
}

const blank = { ...stand('', []), names: new Set() };

const places = (fact) => [
  `uid ${fact.name}`,
  `before ${fact.before}`,
  `number ${fact.number}`,
  `own ${fact.own}`,
];

function* wayOut(fact) {
  yield `uid ${fact.name}`;
  yield `before ${fact.name}`;
  if (fact.before !== null) yield `uid ${fact.before}`;
  if (fact.number !== null) yield `number ${fact.number}`;
  if (fact.own !== null) yield `own ${fact.own}`;
}

/** The appointments that *facts* add up to, bound to those of our *own* that they name. */
function fold(facts, own) {
  const uids = new Set(facts.map(({ uid }) => uid));
  const links = (fact) =>
    !wrong('new-uid-is-new') &&
    LINKS.has(fact.trigger) && fact.uid && fact.before !== fact.uid && uids.has(fact.before);
  const alias = aliases(facts, links);
  const bookings = new Map();
  for (const fact of facts) {
    const name = alias.get(fact.name) ?? fact.name;
    if (!bookings.has(name)) bookings.set(name, { name, facts: [], names: new Set() });
    bookings.get(name).facts.push({ ...fact, name });
    bookings.get(name).names.add(fact.name);
  }
  for (const fact of facts) {
    if (movesSeat(fact)) bookings.get(fact.before)?.facts.push(fact);
  }
  for (const booking of bookings.values()) booking.it = stand(booking.name, booking.facts);
  const appointments = chains(facts.filter(links), bookings).map(complete);
  return bind(appointments, own);
}

/** Names that nobody introduced belong to the booking of the same number, if there is one. */
function aliases(facts, links) {
  const introduced = new Set();
  for (const fact of facts) {
    if (fact.uid && (INTRODUCES.has(fact.trigger) || links(fact))) introduced.add(fact.uid);
    if (links(fact)) introduced.add(fact.before);
  }
  const homes = new Map();
  for (const fact of [...facts].sort(byTime)) {
    if (fact.number !== null && introduced.has(fact.uid)) homes.set(fact.number, fact.uid);
  }
  const strangers = facts.filter(({ name, number }) => !introduced.has(name) && homes.has(number));
  return new Map(strangers.map(({ name, number }) => [name, homes.get(number)]));
}

/** Bookings that replaced one another, the current one first in each list. */
function chains(linking, bookings) {
  const next = new Map();
  for (const fact of linking.sort(byTime)) {
    const old = bookings.get(fact.before);
    if (!old || !bookings.has(fact.uid)) continue;
    if (movesSeat(fact) && old.it.people.length > 0) continue;
    if (!next.has(fact.before)) next.set(fact.before, new Set());
    // Seats may go different ways; the last one takes the history along.
    if (movesSeat(fact)) next.get(fact.before).clear();
    next.get(fact.before).add(fact.uid);
  }
  const group = new Map([...bookings.keys()].map((name) => [name, new Set([name])]));
  for (const [old, followers] of next) {
    for (const follower of followers) {
      const joined = new Set([...group.get(old), ...group.get(follower)]);
      for (const name of joined) group.set(name, joined);
    }
  }
  const rank = ({ name, it }) => [!next.has(name), LIVE.has(it.status), it.last];
  const better = (one, other) => {
    const [left, right] = [rank(one), rank(other)];
    const first = left.findIndex((value, place) => value !== right[place]);
    return first < 0 ? 0 : left[first] > right[first] ? -1 : 1;
  };
  return [...new Set(group.values())].map((names) =>
    [...names].map((name) => bookings.get(name)).sort(better));
}

/** The appointment of a chain: its current booking, and from the former ones what that leaves out. */
function complete([head, ...former]) {
  const it = { ...head.it };
  const facts = [head, ...former].flatMap((booking) => booking.facts);
  for (const { it: old, names } of former) {
    it.title ??= old.title;
    if (it.start === null) [it.start, it.end] = [old.start, old.end];
    if (it.people.length === 0) it.people = old.people;
    if (names.has(it.before)) it.from ??= old.start;
  }
  const names = new Set([head, ...former].flatMap((booking) => [...booking.names]));
  return { ...it, names, facts };
}

/** An appointment of ours goes to the first booking that names it and is not over. */
function bind(appointments, own) {
  const claims = appointments.flatMap((it) => it.facts.filter((fact) => own.has(fact.own))
    .map((fact) => ({ it, id: fact.own, at: fact.at })));
  claims.sort((one, other) =>
    LIVE.has(other.it.status) - LIVE.has(one.it.status) || one.at - other.at || 0);
  const given = new Set();
  for (const { it, id } of claims) {
    if (it.id !== undefined || given.has(id)) continue;
    it.id = id;
    given.add(id);
    if (it.start === null) Object.assign(it, own.get(id));
  }
  return appointments;
}

function shown(it) {
  const spell = (at) => (at === null ? null : new Date(at).toISOString());
  return {
    id: it.id,
    uid: it.uid,
    bookingId: it.number,
    rescheduleUid: it.before,
    status: it.status,
    startTime: spell(it.start),
    endTime: spell(it.end),
    rescheduledFrom: spell(it.from),
    cancellationReason: it.reason,
    attendees: it.people,
    title: it.title,
  };
}
