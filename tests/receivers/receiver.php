<?php
/*
 * A receiver of Cal.com webhooks for PHP 8.1, with PDO and SQLite and nothing else.
 *
 *   CALCOM_WEBHOOK_SECRET=... STORE=receiver.db php receiver.php [--port 8000] [--testing]
 *
 * Two kinds of process, as with a framework's queue: PHP's own server runs this file once for each
 * request and stores deliveries; the process started by hand works them off, one after another.
 * They share the database alone.
 *
 * Bookings known by a uid or a number are grouped into appointments as links between them become
 * known; an appointment is told anew from all facts of its bookings whenever one is added.
 *
 * With --testing the probe and the provider states of docs/for-receivers.md are offered as well.
 * FAULT names one mistake that it makes then; see faults.py.
 */

declare(strict_types=1);

const PATH = '/api/webhooks/calcom';
const BODY_LIMIT = 4 * 1024 * 1024;
// Milliseconds before the second and the third try; there is no fourth.
const BACKOFF = [60_000, 300_000];
// The guide's order: the first header that is present decides.
const HEADERS = ['x-cal-signature-256', 'cal-signature-256', 'x-cal-signature', 'cal-signature'];
const KINDS = [
    'BOOKING_PAYMENT_INITIATED' => 'payment_initiated',
    'BOOKING_REQUESTED' => 'requested',
    'BOOKING_CREATED' => 'created',
    'BOOKING_CONFIRMED' => 'confirmed',
    'BOOKING_PAID' => 'paid',
    'BOOKING_RESCHEDULED' => 'rescheduled',
    'BOOKING_REJECTED' => 'rejected',
    'BOOKING_CANCELLED' => 'cancelled',
    'FORM_SUBMITTED' => 'form_submitted',
];
const DESCRIBES = ['BOOKING_REQUESTED', 'BOOKING_CREATED', 'BOOKING_RESCHEDULED'];
const INTRODUCES = ['BOOKING_PAYMENT_INITIATED', 'BOOKING_REQUESTED', 'BOOKING_CREATED'];

/** The payload lacks what is needed to act on it; no later try would go better. */
class BadPayload extends RuntimeException
{
}

/** Whether the mistake of this name has to be made here. */
function wrong(string $name): bool
{
    if (getenv('FAULT') !== $name) {
        return false;
    }
    if (getenv('MUTANT_HIT')) {
        touch(getenv('MUTANT_HIT'));
    }
    return true;
}

// --- the store ----------------------------------------------------------------------------------

const SCHEMA = <<<'SQL'
    CREATE TABLE IF NOT EXISTS webhook_events (
        sequence INTEGER PRIMARY KEY, webhook_id TEXT NOT NULL, body BLOB NOT NULL,
        event_type TEXT NOT NULL, uid TEXT, state TEXT NOT NULL DEFAULT 'waiting',
        tries INTEGER NOT NULL DEFAULT 0, received_at INTEGER NOT NULL, due_at INTEGER);
    CREATE TABLE IF NOT EXISTS notices (
        webhook_id TEXT NOT NULL, event_type TEXT NOT NULL, uid TEXT, reason TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS facts (
        occurrence TEXT PRIMARY KEY, booking INTEGER NOT NULL, replaces TEXT, own TEXT,
        happened INTEGER NOT NULL, fact TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS facts_by_booking ON facts (booking);
    CREATE INDEX IF NOT EXISTS facts_by_replaced ON facts (replaces);
    CREATE TABLE IF NOT EXISTS names (name TEXT PRIMARY KEY, booking INTEGER NOT NULL);
    CREATE INDEX IF NOT EXISTS names_by_booking ON names (booking);
    CREATE TABLE IF NOT EXISTS bookings (id INTEGER PRIMARY KEY, appointment TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS bookings_by_appointment ON bookings (appointment);
    CREATE TABLE IF NOT EXISTS appointments (
        id TEXT PRIMARY KEY, ours INTEGER NOT NULL DEFAULT 0, own_start INTEGER, own_end INTEGER,
        view TEXT NOT NULL DEFAULT '{}');
    CREATE TABLE IF NOT EXISTS effects (
        occurrence TEXT PRIMARY KEY, kind TEXT NOT NULL, uid TEXT, booking INTEGER);
    CREATE INDEX IF NOT EXISTS effects_by_uid ON effects (uid);
    CREATE TABLE IF NOT EXISTS control (name TEXT PRIMARY KEY, value REAL NOT NULL);
    SQL;

class Store
{
    private PDO $pdo;

    public function __construct(string $path)
    {
        $this->pdo = new PDO("sqlite:$path");
        $this->pdo->setAttribute(PDO::ATTR_TIMEOUT, 5);
        foreach (['journal_mode = WAL', 'synchronous = FULL'] as $pragma) {
            $this->pdo->exec("PRAGMA $pragma");
        }
    }

    public function create(): void
    {
        $this->pdo->exec(SCHEMA);
        if (!wrong('select-then-insert')) {
            $this->pdo->exec('CREATE UNIQUE INDEX IF NOT EXISTS once ON webhook_events (webhook_id)');
        }
        $this->pdo->exec("UPDATE webhook_events SET state = 'waiting' WHERE state = 'processing'");
        $this->pdo->exec('DELETE FROM control');
    }

    /** Run a statement; the rows it gives, and how many it changed. */
    public function run(string $sql, array $values = []): PDOStatement
    {
        $statement = $this->pdo->prepare($sql);
        $statement->execute($values);
        return $statement;
    }

    public function rows(string $sql, array $values = []): array
    {
        return $this->run($sql, $values)->fetchAll(PDO::FETCH_ASSOC);
    }

    public function value(string $sql, array $values = []): mixed
    {
        $found = $this->run($sql, $values)->fetchColumn();
        return $found === false ? null : $found;
    }

    public function lastId(): int
    {
        return (int) $this->pdo->lastInsertId();
    }

    /** Everything that *work* writes, or nothing of it. */
    public function transaction(callable $work): mixed
    {
        $this->pdo->exec('BEGIN IMMEDIATE');
        try {
            $result = $work();
            $this->pdo->exec('COMMIT');
            return $result;
        } catch (Throwable $problem) {
            $this->pdo->exec('ROLLBACK');
            throw $problem;
        }
    }

    public function control(string $name): float
    {
        return (float) $this->value('SELECT value FROM control WHERE name = ?', [$name]);
    }

    public function setControl(string $name, float $value): void
    {
        $this->run('INSERT OR REPLACE INTO control VALUES (?, ?)', [$name, $value]);
    }

    /** Milliseconds since 1970, by a clock that a provider state may move. */
    public function now(): int
    {
        return (int) (microtime(true) * 1000 + $this->control('clock'));
    }
}

// --- what a delivery says -----------------------------------------------------------------------

/** Milliseconds since 1970, or null for what is no instant. */
function instant(mixed $text): ?int
{
    $form = '/^(\d{4})-(\d\d)-(\d\d)[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/D';
    if (!is_string($text) || !preg_match($form, $text, $part)) {
        return null;
    }
    if (!checkdate((int) $part[2], (int) $part[3], (int) $part[1])) {
        return null;
    }
    try {
        $local = wrong('offset-ignored') ? substr($text, 0, 19) . 'Z' : $text;
        return (int) (new DateTimeImmutable($local))->format('Uv');
    } catch (Exception) {
        return null;
    }
}

/** The envelope in a body: trigger, payload and createdAt; null when it is none. */
function envelope(string $body): ?array
{
    $flags = wrong('ids-as-floats') ? 0 : JSON_BIGINT_AS_STRING;
    $root = json_decode($body, true, 512, $flags);
    if (wrong('scalars-unexpected') && $root !== null) {
        $unused = count($root);
    }
    if (!is_array($root) || array_is_list($root)) {
        return null;
    }
    $trigger = $root['triggerEvent'] ?? null;
    if (!is_string($trigger) || $trigger === '') {
        return null;
    }
    $payload = $root['payload'] ?? null;
    $created = instant($root['createdAt'] ?? null);
    if (is_array($payload) && $payload !== [] && !array_is_list($payload)) {
        return ['trigger' => $trigger, 'payload' => $payload, 'created' => $created];
    }
    // The only two that Cal.com sends without a payload: the booking's row lies at the root.
    $flat = in_array($trigger, ['MEETING_STARTED', 'MEETING_ENDED'], true);
    if ($flat && !array_key_exists('payload', $root) && is_string($root['uid'] ?? null)) {
        return ['trigger' => $trigger, 'payload' => $root, 'created' => null];
    }
    return null;
}

function uid(array $payload): ?string
{
    foreach (['uid', 'bookingUid'] as $name) {
        if (is_string($payload[$name] ?? null) && $payload[$name] !== '') {
            return $payload[$name];
        }
    }
    return null;
}

/** The fact that an envelope tells of a booking, in one form for both dialects. */
function fact(array $envelope, int $received): array
{
    ['trigger' => $trigger, 'payload' => $payload, 'created' => $created] = $envelope;
    $text = function (string $name) use ($payload): ?string {
        $value = $payload[$name] ?? '';
        return is_string($value) ? ($value === '' ? null : $value) : throw new BadPayload("$name is no text");
    };
    $time = function (string $name) use ($payload): ?int {
        $value = $payload[$name] ?? '';
        return $value === '' ? null : instant($value) ?? throw new BadPayload("$name is no instant");
    };
    $list = function (mixed $value, string $name): array {
        return is_array($value) ? $value : throw new BadPayload("$name is no list");
    };
    $number = $payload['calcomBookingId'] ?? $payload['bookingId'] ?? null;
    if (wrong('ids-as-floats') && $number !== null) {
        $number = (int) (float) $number;
    }
    if ($number !== null && !is_int($number) && !preg_match('/^\d{1,18}$/D', (string) json_encode($number))) {
        $number = is_string($number) && ctype_digit($number) ? $number : throw new BadPayload('the number is none');
    }
    $people = [];
    foreach ($list($payload['attendees'] ?? [], 'attendees') as $person) {
        $address = $list($person, 'an attendee')['email'] ?? '';
        $people[] = is_string($address) ? $address : throw new BadPayload('an address is no text');
    }
    $own = $list($payload['metadata'] ?? [], 'metadata')['askproai_appointment_id'] ?? '';
    $fact = [
        'trigger' => $trigger,
        // What introduces a booking and has no date was sent before whatever else we hear of it.
        'happened' => $created ?? (in_array($trigger, INTRODUCES, true) ? 0 : $received),
        'uid' => $text('uid'),
        'number' => $number === null ? null : (string) $number,
        'replaces' => $text('rescheduleUid'),
        'own' => is_scalar($own) && $own !== '' ? (string) $own : null,
        'start' => $time('startTime'),
        'end' => $time('endTime'),
        'from' => $time('previousStartTime') ?? $time('rescheduleStartTime'),
        'title' => $text('title'),
        'people' => array_values(array_filter($people)),
        'seats' => (bool) ($payload['seatsPerTimeSlot'] ?? false),
        'seat' => $text('attendeeSeatId'),
        'status' => $text('status'),
        'reason' => $text('cancellationReason') ?? $text('rejectionReason'),
    ];
    if ($fact['uid'] === null && $fact['number'] === null) {
        throw new BadPayload('no booking is named');
    }
    if (in_array($trigger, [...INTRODUCES, 'BOOKING_RESCHEDULED'], true) && $fact['start'] === null) {
        throw new BadPayload('startTime is missing');
    }
    $key = match (true) {
        $trigger === 'BOOKING_RESCHEDULED' => [$fact['start'], $fact['replaces'], $fact['from'], $fact['seat']],
        str_starts_with($trigger, 'BOOKING_PA') => [$payload['paymentId'] ?? null],
        $trigger === 'BOOKING_CREATED' && $fact['seats'] => [$fact['seat'] ?? $fact['people']],
        $trigger === 'BOOKING_CANCELLED' && $fact['seats'] => array_map(
            fn ($person) => [$person['id'] ?? null, $person['email'] ?? null],
            $payload['attendees'] ?? [],
        ),
        default => [],
    };
    if (wrong('one-reschedule-per-uid')) {
        $key = [];
    }
    $fact['key'] = json_encode([$trigger, $fact['uid'] ?? $fact['number'], $key], JSON_THROW_ON_ERROR);
    return $fact;
}

// --- appointments -------------------------------------------------------------------------------

class Appointments
{
    public function __construct(private Store $store)
    {
    }

    /** Let a fact take effect, once. */
    public function tell(array $fact): void
    {
        $known = $this->store->rows('SELECT happened FROM facts WHERE occurrence = ?', [$fact['key']]);
        if ($known && $known[0]['happened'] <= $fact['happened']) {
            return;
        }
        $booking = $this->booking($fact);
        $this->store->run('INSERT OR REPLACE INTO facts VALUES (?, ?, ?, ?, ?, ?)', [
            $fact['key'], $booking, $fact['replaces'], $fact['own'], $fact['happened'],
            json_encode($fact, JSON_THROW_ON_ERROR),
        ]);
        if (!$known) {
            $effect = [$fact['key'], KINDS[$fact['trigger']], $fact['uid'], $booking];
            $this->store->run('INSERT INTO effects VALUES (?, ?, ?, ?)', $effect);
        }
        $this->link($booking, $fact);
        $this->settle($this->home($booking));
        if (self::movesSeat($fact) && ($left = $this->named($fact['replaces']))) {
            $this->settle($this->home($left));
        }
    }

    /** The booking that a fact is about; uid and number that come together name the same one. */
    private function booking(array $fact): int
    {
        $names = array_filter([$fact['uid'], $fact['number'] === null ? null : "#{$fact['number']}"]);
        $found = [];
        foreach ($names as $name) {
            $found[] = $this->named($name);
        }
        $found = array_values(array_unique(array_filter($found)));
        if (!$found) {
            $id = 'cal-' . bin2hex(random_bytes(8));
            $this->store->run('INSERT INTO appointments (id) VALUES (?)', [$id]);
            $this->store->run('INSERT INTO bookings (appointment) VALUES (?)', [$id]);
            $found = [$this->store->lastId()];
        }
        foreach (array_slice($found, 1) as $other) {
            $this->merge($this->home($found[0]), $this->home($other));
            foreach (['names', 'facts', 'effects'] as $table) {
                $this->store->run("UPDATE $table SET booking = ? WHERE booking = ?", [$found[0], $other]);
            }
            $this->store->run('DELETE FROM bookings WHERE id = ?', [$other]);
        }
        foreach ($names as $name) {
            $this->store->run('INSERT OR IGNORE INTO names VALUES (?, ?)', [$name, $found[0]]);
        }
        return $found[0];
    }

    private function named(string $name): ?int
    {
        return $this->store->value('SELECT booking FROM names WHERE name = ?', [$name]);
    }

    private function home(int $booking): string
    {
        return $this->store->value('SELECT appointment FROM bookings WHERE id = ?', [$booking]);
    }

    /** Make one appointment of two; ours stays, if one of them is. */
    private function merge(string $one, string $other): void
    {
        if ($one === $other) {
            return;
        }
        if ($this->store->value('SELECT ours FROM appointments WHERE id = ?', [$other])) {
            [$one, $other] = [$other, $one];
        }
        $this->store->run('UPDATE bookings SET appointment = ? WHERE appointment = ?', [$one, $other]);
        $this->store->run('DELETE FROM appointments WHERE id = ?', [$other]);
    }

    /** Join the booking of a fact to those that it replaces, or that replaced it. */
    private function link(int $booking, array $fact): void
    {
        if (self::replaces($fact) && ($old = $this->named($fact['replaces']))) {
            $this->merge($this->home($old), $this->home($booking));
        }
        if ($fact['uid'] !== null) {
            $later = $this->store->rows('SELECT fact FROM facts WHERE replaces = ?', [$fact['uid']]);
            foreach ($later as ['fact' => $text]) {
                $other = json_decode($text, true);
                if (self::replaces($other)) {
                    $this->merge($this->home($booking), $this->home($this->named($other['uid'])));
                }
            }
        }
        $ours = 'SELECT COUNT(*) FROM appointments WHERE ours AND id = ?';
        if ($fact['own'] !== null && $this->store->value($ours, [$fact['own']])) {
            $this->bind($this->home($booking), $fact['own']);
        }
    }

    /** One booking replaces another; a seat that moves does not, the others stay where they are. */
    private static function replaces(array $fact): bool
    {
        return in_array($fact['trigger'], DESCRIBES, true) && $fact['uid'] !== null
            && $fact['replaces'] !== null && $fact['replaces'] !== $fact['uid'] && !self::movesSeat($fact);
    }

    private static function movesSeat(array $fact): bool
    {
        return $fact['trigger'] === 'BOOKING_RESCHEDULED' && $fact['seats'] && $fact['seat'] !== null
            && $fact['replaces'] !== null && $fact['replaces'] !== $fact['uid'];
    }

    /** Our appointment is the one that is named, unless another booking lives in it. */
    private function bind(string $appointment, string $own): void
    {
        $view = json_decode($this->store->value('SELECT view FROM appointments WHERE id = ?', [$own]), true);
        $ours = $this->store->value('SELECT ours FROM appointments WHERE id = ?', [$appointment]);
        $taken = $this->store->value('SELECT COUNT(*) FROM bookings WHERE appointment = ?', [$own]);
        if (!$ours && !($taken && in_array($view['status'], ['requested', 'confirmed'], true))) {
            $this->merge($own, $appointment);
        }
    }

    public function register(string $id, ?int $start, ?int $end): void
    {
        $this->store->run(
            'INSERT OR REPLACE INTO appointments (id, ours, own_start, own_end) VALUES (?, 1, ?, ?)',
            [$id, $start, $end],
        );
        foreach ($this->store->rows('SELECT DISTINCT booking FROM facts WHERE own = ?', [$id]) as $row) {
            $this->bind($this->home($row['booking']), $id);
        }
        $this->settle($id);
    }

    /** What an "insert or update" of a BOOKING_CREATED comes to; only that mistake calls it. */
    public function revive(string $uid): void
    {
        $set = "UPDATE appointments SET view = json_set(view, '$.status', 'confirmed') WHERE id = ?";
        $this->store->run($set, [$this->home($this->named($uid))]);
    }

    /** Write down how an appointment stands after all that is known of its bookings. */
    private function settle(string $id): void
    {
        $rows = $this->store->rows(
            'SELECT booking, fact FROM facts JOIN bookings ON bookings.id = booking WHERE appointment = ?',
            [$id],
        );
        $told = $names = $replaced = [];
        foreach ($rows as ['booking' => $booking, 'fact' => $text]) {
            $fact = json_decode($text, true);
            $told[$booking][] = $fact;
            $names[$booking][] = $fact['uid'];
            $old = self::replaces($fact) ? $this->named($fact['replaces']) : null;
            if ($old !== null && $old !== $booking) {
                $replaced[$old] = true;
            }
        }
        $stands = [];
        foreach ($told as $booking => $facts) {
            array_push($facts, ...$this->movedAway($names[$booking]));
            $stands[] = [...self::stand($facts, $names[$booking]), 'leaf' => !isset($replaced[$booking])];
        }
        $live = fn (array $it): bool => in_array($it['status'], ['requested', 'confirmed'], true);
        $rank = fn (array $it): array => [$it['leaf'], $live($it), $it['last']];
        usort($stands, fn (array $one, array $other): int => $rank($other) <=> $rank($one));
        $own = $this->store->rows('SELECT own_start, own_end FROM appointments WHERE id = ?', [$id])[0];
        $view = $stands[0] ?? self::stand([], []);
        foreach (array_slice($stands, 1) as $former) {
            $view['title'] ??= $former['title'];
            $view['people'] = $view['people'] ?: $former['people'];
            $view['from'] ??= $view['replaces'] === $former['uid'] ? $former['start'] : null;
        }
        $view['start'] ??= $own['own_start'];
        $view['end'] ??= $own['own_end'];
        $view = json_encode($view, JSON_THROW_ON_ERROR);
        $this->store->run('UPDATE appointments SET view = ? WHERE id = ?', [$view, $id]);
    }

    /** Facts of seats that left the booking of these uids for another. */
    private function movedAway(array $uids): array
    {
        $found = [];
        foreach (array_unique(array_filter($uids)) as $uid) {
            foreach ($this->store->rows('SELECT fact FROM facts WHERE replaces = ?', [$uid]) as $row) {
                $fact = json_decode($row['fact'], true);
                if (self::movesSeat($fact) && $fact['uid'] !== $uid) {
                    $found[] = $fact;
                }
            }
        }
        return $found;
    }

    /** How a booking stands after *facts*, by when they happened; *uids* are its own. */
    private static function stand(array $facts, array $uids): array
    {
        $progress = array_flip(array_keys(KINDS));
        $place = fn (array $fact): array => [$fact['happened'], $progress[$fact['trigger']]];
        usort($facts, fn (array $one, array $other): int => $place($one) <=> $place($other));
        $it = array_fill_keys(['uid', 'number', 'replaces', 'start', 'end', 'from', 'reason', 'title'], null);
        $it += ['status' => 'scheduled', 'people' => [], 'final' => false, 'last' => 0];
        foreach ($facts as $fact) {
            $it['last'] = max($it['last'], $fact['happened']);
            if (!in_array($fact['uid'], $uids, true)) {
                $it = self::leave($it, $fact);
            } elseif (!$it['final']) {
                $it = self::apply(self::describe($it, $fact), $fact, $it['start']);
            }
        }
        return $it;
    }

    private static function describe(array $it, array $fact): array
    {
        $says = in_array($fact['trigger'], DESCRIBES, true);
        $it['uid'] = $fact['uid'] ?? $it['uid'];
        $it['number'] ??= $fact['number'];
        foreach ($says ? ['title', 'replaces'] : [] as $name) {
            $it[$name] = $fact[$name] ?? $it[$name];
        }
        if ($fact['start'] !== null && ($says || $it['start'] === null)) {
            [$it['start'], $it['end']] = [$fact['start'], $fact['end']];
        }
        if ($says && $fact['seats']) {
            $it['people'] = array_values(array_unique([...$it['people'], ...$fact['people']]));
        } elseif ($fact['people'] && ($says || (!$it['people'] && !$fact['seats']))) {
            $it['people'] = $fact['people'];
        }
        return $it;
    }

    private static function apply(array $it, array $fact, ?int $before): array
    {
        switch ($fact['trigger']) {
            case 'BOOKING_REQUESTED':
                $it['status'] = $it['status'] === 'scheduled' ? 'requested' : $it['status'];
                return $it;
            case 'BOOKING_CREATED':
            case 'BOOKING_CONFIRMED':
                return [...$it, 'status' => 'confirmed', 'reason' => null];
            case 'BOOKING_PAID':
                return $fact['status'] === 'ACCEPTED' ? [...$it, 'status' => 'confirmed'] : $it;
            case 'BOOKING_RESCHEDULED':
                $waits = $fact['status'] === 'PENDING' || ($fact['status'] === null && $it['status'] === 'requested');
                return [...$it, 'from' => $fact['from'] ?? $before, 'status' => $waits ? 'requested' : 'confirmed'];
            case 'BOOKING_REJECTED':
                return [...$it, 'status' => 'rejected', 'reason' => $fact['reason'], 'final' => true];
            case 'BOOKING_CANCELLED':
                $reason = $fact['reason'] ?? 'Cal.com booking cancelled';
                if ($fact['seats'] && $fact['people']) {
                    return [...self::leave($it, $fact), 'reason' => $reason];
                }
                return [...$it, 'status' => 'cancelled', 'reason' => $reason, 'final' => true];
            default:
                return $it;
        }
    }

    /** The listed people give their seats back; the last one closes the door behind them. */
    private static function leave(array $it, array $fact): array
    {
        $gone = array_map('strtolower', $fact['people']);
        $stays = fn (string $address): bool => !in_array(strtolower($address), $gone, true);
        $it['people'] = array_values(array_filter($it['people'], $stays));
        $it['status'] = $it['people'] ? $it['status'] : 'cancelled';
        return $it;
    }
}

// --- the worker ---------------------------------------------------------------------------------

class Worker
{
    public function __construct(private Store $store, private Appointments $appointments)
    {
    }

    /** Work off the delivery that has been due longest; false when there is none. */
    public function step(): bool
    {
        if ($this->store->control('paused')) {
            return false;
        }
        $due = "SELECT * FROM webhook_events WHERE state = 'waiting' AND due_at <= ? ORDER BY due_at LIMIT 1";
        $job = $this->store->rows($due, [$this->store->now()])[0] ?? null;
        if ($job === null) {
            return false;
        }
        $job['tries'] += 1;
        $this->mark($job, 'processing', $job['tries'], $job['due_at']);
        try {
            $this->interfere($job['uid']);
            $this->store->transaction(function () use ($job): void {
                $this->process($job);
                $this->mark($job, 'done', $job['tries'], null);
            });
            report('processed', ['trigger' => $job['event_type'], 'uid' => $job['uid']]);
        } catch (Throwable $problem) {
            $this->failed($job, $problem);
        }
        return true;
    }

    private function process(array $job): void
    {
        $envelope = envelope($job['body']);
        if (!isset(KINDS[$envelope['trigger']])) {
            report('unhandled event', ['trigger' => $job['event_type']]);
            return;
        }
        if ($envelope['trigger'] === 'FORM_SUBMITTED') {
            $this->store->run(
                'INSERT OR IGNORE INTO effects VALUES (?, ?, ?, NULL)',
                ['form ' . md5(serialize($envelope['payload'])), 'form_submitted', $job['uid']],
            );
            return;
        }
        if (wrong('cancels-by-address') && $envelope['trigger'] === 'BOOKING_CANCELLED') {
            $this->cancelByAddress($envelope['payload']['attendees'][0]['email'] ?? '');
        }
        $fact = fact($envelope, $job['received_at']);
        $this->appointments->tell($fact);
        if ($fact['trigger'] === 'BOOKING_CREATED' && wrong('created-revives')) {
            $this->appointments->revive($fact['uid']);
        }
    }

    private function cancelByAddress(string $address): void
    {
        foreach ($this->store->rows('SELECT id, view FROM appointments') as ['id' => $id, 'view' => $view]) {
            $it = json_decode($view, true);
            if (in_array($address, $it['people'] ?? [], true)) {
                $view = json_encode([...$it, 'status' => 'cancelled']);
                $this->store->run('UPDATE appointments SET view = ? WHERE id = ?', [$view, $id]);
            }
        }
    }

    private function failed(array $job, Throwable $problem): void
    {
        $hopeless = $problem instanceof BadPayload;
        $wait = BACKOFF[$job['tries'] - 1] ?? null;
        if (wrong('failure-forgotten')) {
            $this->mark($job, 'done', $job['tries'], null);
        } elseif ($wait !== null && !$hopeless) {
            $this->mark($job, 'waiting', $job['tries'], $this->store->now() + $wait);
        } else {
            $this->store->transaction(function () use ($job, $problem, $hopeless): void {
                $this->mark($job, 'dead', $job['tries'], null);
                $reason = $hopeless ? $problem->getMessage() : 'processing failed';
                $notice = [$job['webhook_id'], $job['event_type'], $job['uid'], $reason];
                $this->store->run('INSERT INTO notices VALUES (?, ?, ?, ?)', $notice);
            });
        }
        $about = ['id' => $job['webhook_id'], 'trigger' => $job['event_type'], 'uid' => $job['uid']];
        report('processing failed', [...$about, 'kind' => $problem::class]);
    }

    private function mark(array $job, string $state, int $tries, ?int $due): void
    {
        $sql = 'UPDATE webhook_events SET state = ?, tries = ?, due_at = ? WHERE sequence = ?';
        $this->store->run($sql, [$state, $tries, $due, $job['sequence']]);
    }

    private function interfere(?string $uid): void
    {
        usleep((int) ($this->store->control("slow $uid") * 1_000_000));
        $left = $this->store->control("fails $uid");
        if ($left != 0) {
            $this->store->setControl("fails $uid", $left > 0 ? $left - 1 : $left);
            throw new RuntimeException('a provider state asked for this');
        }
    }
}

// --- one request --------------------------------------------------------------------------------

/** One line of JSON, which nobody's text can break: what a booking is called, and nothing of people. */
function report(string $message, array $about = []): void
{
    file_put_contents('php://stderr', json_encode(['message' => $message, ...$about]) . "\n");
}

function answer(int $status, array|string $content, array $headers = []): void
{
    http_response_code($status);
    header('Content-Type: ' . (is_string($content) ? 'text/plain; charset=utf-8' : 'application/json'));
    foreach ($headers as $name => $value) {
        header("$name: $value");
    }
    echo is_string($content) ? $content : json_encode($content, JSON_PRESERVE_ZERO_FRACTION);
}

/** Why a body is not authentic, in the guide's words; null when it is. */
function refusal(string $body): ?string
{
    $given = [];
    foreach (getallheaders() as $name => $value) {
        $given[strtolower((string) $name)][] = trim($value);
    }
    $present = current(array_filter(HEADERS, fn (string $name): bool => isset($given[$name])));
    if ($present === false && wrong('fails-open')) {
        return null;
    }
    if ($present === false || $given[$present][0] === '') {
        return 'Missing signature';
    }
    $secret = getenv('CALCOM_WEBHOOK_SECRET');
    $right = false;
    foreach ([$body, rtrim($body, "\r\n")] as $form) {
        $digest = hash_hmac('sha256', $form, $secret);
        foreach ([$digest, "sha256=$digest"] as $expected) {
            $right = hash_equals($expected, $given[$present][0]) || $right;
        }
    }
    return $right && count(array_unique($given[$present])) === 1 ? null : 'Invalid signature';
}

function receive(Store $store): void
{
    if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
        answer(405, ['error' => 'Method not allowed'], ['Allow' => 'POST']);
        return;
    }
    $body = file_get_contents('php://input', length: BODY_LIMIT + 1);
    if (strlen($body) > (wrong('body-limit') ? 100_000 : BODY_LIMIT)) {
        answer(413, ['error' => 'Payload too large']);
        return;
    }
    $problem = refusal($body);
    if ($problem !== null) {
        report('refused', ['reason' => $problem]);
        answer(401, $problem);
        return;
    }
    $envelope = envelope($body);
    if ($envelope === null) {
        report('invalid payload');
        answer(400, ['error' => 'Invalid payload']);
        return;
    }
    $id = hash('sha256', rtrim($body, "\r\n"));
    $now = $store->now();
    $values = [$id, $body, $envelope['trigger'], uid($envelope['payload']), $now, $now];
    if (wrong('select-then-insert')) {
        $known = $store->value('SELECT COUNT(*) FROM webhook_events WHERE webhook_id = ?', [$id]);
        usleep(20_000);
        if ($known) {
            answer(202, ['status' => 'accepted']);
            return;
        }
    }
    $added = $store->run(
        'INSERT OR IGNORE INTO webhook_events (webhook_id, body, event_type, uid, received_at, due_at)
         VALUES (?, ?, ?, ?, ?, ?)',
        $values,
    )->rowCount();
    $about = ['id' => $id, 'trigger' => $envelope['trigger'], 'uid' => uid($envelope['payload'])];
    report($added ? 'received' : 'duplicate ignored', $about);
    answer(202, ['status' => 'accepted']);
}

// --- for conformance runs only ------------------------------------------------------------------

function probe(Store $store): array
{
    $asked = ['uid' => [], 'appointment' => []];
    foreach (explode('&', $_SERVER['QUERY_STRING'] ?? '') as $pair) {
        [$name, $value] = array_map('urldecode', explode('=', $pair, 2) + ['', '']);
        $asked[$name][] = $value;
    }
    $uids = json_encode($asked['uid']);
    $ids = json_encode($asked['appointment']);
    $homes = 'SELECT appointment FROM bookings JOIN names ON names.booking = bookings.id
              WHERE name IN (SELECT value FROM json_each(?))';
    $found = $store->rows(
        "SELECT id, view FROM appointments WHERE id IN ($homes) OR id IN (SELECT value FROM json_each(?))",
        [$uids, $ids],
    );
    $now = $store->now();
    $later = fn (array $row): bool => $row['state'] === 'waiting' && $row['due_at'] > $now;
    $mine = 'uid IN (SELECT value FROM json_each(?))';
    $deliveries = $store->rows("SELECT * FROM webhook_events WHERE $mine ORDER BY sequence", [$uids]);
    $effects = "SELECT kind, uid, appointment FROM effects LEFT JOIN bookings ON bookings.id = booking
                WHERE $mine OR appointment IN (SELECT value FROM json_each(?))";
    $pending = "SELECT COUNT(*) FROM webhook_events
                WHERE state = 'processing' OR (state = 'waiting' AND due_at <= ?)";
    $tables = ['appointments', 'effects', 'notices', 'deliveries' => 'webhook_events'];
    $totals = [];
    foreach ($tables as $name => $table) {
        $totals[is_string($name) ? $name : $table] = $store->value("SELECT COUNT(*) FROM $table");
    }
    return [
        'appointments' => array_map(shown(...), $found),
        'deliveries' => array_map(fn (array $row): array => [
            'id' => $row['webhook_id'],
            'trigger' => $row['event_type'],
            'uid' => $row['uid'],
            'state' => $row['state'],
            'tries' => $row['tries'],
            'nextTrySeconds' => $later($row) ? ($row['due_at'] - $now) / 1000 : null,
        ], $deliveries),
        'effects' => $store->rows($effects, [$uids, $ids]),
        'notices' => $store->rows(
            "SELECT webhook_id AS delivery, event_type AS \"trigger\", uid, reason FROM notices WHERE $mine",
            [$uids],
        ),
        'pending' => $store->value($pending, [$now]),
        'totals' => $totals,
    ];
}

function shown(array $row): array
{
    $it = json_decode($row['view'], true);
    $spell = fn (?int $at): ?string => $at === null ? null
        : gmdate('Y-m-d\TH:i:s', intdiv($at, 1000)) . sprintf('.%03dZ', $at % 1000);
    return [
        'id' => $row['id'],
        'uid' => $it['uid'],
        'bookingId' => $it['number'] === null ? null : (int) $it['number'],
        'rescheduleUid' => $it['replaces'],
        'status' => $it['status'],
        'startTime' => $spell($it['start']),
        'endTime' => $spell($it['end']),
        'rescheduledFrom' => $spell($it['from']),
        'cancellationReason' => $it['reason'],
        'attendees' => $it['people'],
        'title' => $it['title'],
    ];
}

function setState(Store $store, string $state, array $with): bool
{
    switch ($state) {
        case 'appointment exists':
            $store->transaction(fn () => (new Appointments($store))->register(
                $with['id'],
                instant($with['startTime'] ?? null),
                instant($with['endTime'] ?? null),
            ));
            return true;
        case 'processing fails':
            $store->setControl("fails {$with['uid']}", $with['times']);
            return true;
        case 'processing is slow':
            $store->setControl("slow {$with['uid']}", $with['seconds']);
            return true;
        case 'clock advances':
            $store->setControl('clock', $store->control('clock') + $with['seconds'] * 1000);
            return true;
        case 'worker pauses':
        case 'worker resumes':
            $store->setControl('paused', $state === 'worker pauses' ? 1 : 0);
            return true;
        case 'reset':
            preg_match_all('/TABLE IF NOT EXISTS (\w+)/', SCHEMA, $tables);
            $store->transaction(fn () => array_map(fn ($it) => $store->run("DELETE FROM $it"), $tables[1]));
            return true;
        default:
            return false;
    }
}

function request(): void
{
    $path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
    $testing = getenv('TESTING') === '1';
    try {
        $store = new Store(getenv('STORE') ?: 'receiver.db');
        if ($path === PATH) {
            receive($store);
        } elseif ($testing && $path === '/_testing/probe') {
            answer(200, $store->transaction(fn (): array => probe($store)));
        } elseif ($testing && $path === '/_testing/states') {
            $asked = json_decode(file_get_contents('php://input'), true);
            $known = setState($store, (string) ($asked['state'] ?? ''), $asked['params'] ?? []);
            $known ? answer(200, ['ok' => true]) : answer(404, ['error' => 'there is no such state']);
        } else {
            answer(404, ['error' => 'Not found']);
        }
    } catch (PDOException $problem) {
        report('not stored', ['code' => $problem->getCode()]);
        answer(503, ['error' => 'Service unavailable'], ['Retry-After' => '5']);
    } catch (Throwable $problem) {
        report('failed', ['kind' => $problem::class]);
        answer(500, ['error' => 'Server error']);
    }
}

// --- start --------------------------------------------------------------------------------------

function main(array $arguments): never
{
    if (trim((string) getenv('CALCOM_WEBHOOK_SECRET')) === '') {
        file_put_contents('php://stderr', "CALCOM_WEBHOOK_SECRET is not set\n");
        exit(2);
    }
    $place = array_search('--port', $arguments, true);
    $port = $place === false ? (getenv('PORT') ?: '8000') : $arguments[$place + 1];
    putenv('TESTING=' . (in_array('--testing', $arguments, true) ? '1' : '0'));
    putenv('PHP_CLI_SERVER_WORKERS=4');
    $store = new Store(getenv('STORE') ?: 'receiver.db');
    $store->create();
    // PHP must not read forms by itself: the body is bytes until its signature is verified.
    $options = ['-d', 'enable_post_data_reading=0', '-d', 'display_errors=stderr', '-q'];
    $server = proc_open([PHP_BINARY, ...$options, '-S', "127.0.0.1:$port", __FILE__], [], $pipes);
    $worker = new Worker($store, new Appointments($store));
    while (proc_get_status($server)['running']) {
        try {
            $worker->step() || usleep(10_000);
        } catch (PDOException $problem) {
            report('worker waits', ['code' => $problem->getCode()]);
            usleep(200_000);
        }
    }
    exit(1);
}

PHP_SAPI === 'cli' ? main($argv) : request();
