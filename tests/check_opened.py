#!/usr/bin/env python3
"""Every recorded case that is opened with a key log says the same as its dialogue without TLS, and nothing without the keys.

    check_opened.py [--jobs N] [--keep DIR] [CASE...]      all cases with `--keys` among their options, or those named

From the capture and the key log tshark takes the plaintext, an opinion that is independent of ours. It becomes a capture of its own: the same
connections at the same times, what was said before TLS, then the plaintext. Where a dialogue agrees on TLS, it is refused there, as a server
without TLS would have: the 220 to STARTTLS becomes a 454, the 234 to AUTH a 534, the 200 to PROT a 536, and RDP's negotiation chooses
standard security. wirescribe reads it without keys, and

  plaintext   every row of the views named below equals the row of the encrypted recording with keys, times included; but for the columns
              that speak of the encryption, and for what the refusals change;
  without     of the encrypted recording without keys, no view tells anything of what TLS hides: a row of a connection that is TLS from its
              first byte is invented, so is a value that the reading with keys does not confirm;
  wrong       with the last digits of each secret changed, the rows are those without keys, and each connection that the keys open has one
              finding that says so;
  proxied     behind a proxy that takes TLS off, the messages are the same as before it.

The program is $WIRESCRIBE, or build/wirescribe. The last line is "N passed, N failed, N skipped"; the exit status is 1 if any failed.
"""

import argparse
import base64
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
TESTS = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [TESTS, os.path.join(TESTS, 'record')]

import packets as tcp
import run_cases
import view_rows

CLIENT, SERVER = 'client', 'server'

# What is told of the inner protocols. The rest is about packets and TLS.
VIEWS = ('sessions', 'http_requests', 'websocket_sessions', 'websocket_messages', 'smtp_sessions', 'smtp_mails', 'smtp_recipients', 'ftp_sessions',
         'ftp_commands', 'ftp_transfers', 'ftp_listings', 'rdp_sessions', 'rdp_channels', 'rdp_events', 'files')

# Of the encryption, and of the connection's bytes and end: a record comes with bytes of its own, and the last of them is an alert.
ABOUT_ENCRYPTION = re.compile(r'encrypted|encryption|protected|duration|bytes|certificate_.*')

# {view: columns} in which a refusal differs from what was agreed.
REFUSED = {
    'smtp_sessions': ('server_extensions',),  # STARTTLS is not offered a second time
    'rdp_sessions': ('selected_protocol',),
}

# What CredSSP says beside RDP, in TLS alone: the rows of a session with it have more to tell.
OF_CREDSSP = ('auth_result', 'workstation', 'inference_basis', 'client_payload', 'server_payload')
ONLY_CREDSSP = ('rdp/nla-refused',)

# 0-RTT waits for the server's answer, which tells whether it was accepted: what it says is told then.
LATER = ('tls/early-data',)

# Events of RDP that the sizes of TLS's records tell.
OF_SIZES = re.compile(r'(nla_\w+|mcs_connect|channels_joined|licensed|capabilities|active|login_\w+): .*|client_info: \d+ bytes')


class Connection:
    """One TCP connection: who is the client, and what was said, as (time, side, bytes) in order."""

    def __init__(self, client, server, start):
        self.client = client
        self.server = server
        self.start = start
        self.end = start
        self.closed = []     # (time, side) of each FIN or RST
        self.events = []
        self.next = {}       # the side's next sequence number
        self.waiting = {CLIENT: {}, SERVER: {}}
        self.tls_at = None   # the index in events at which TLS begins

    def side(self, packet):
        return CLIENT if packet.source == self.client else SERVER

    def take(self, packet):
        side = self.side(packet)
        self.end = packet.time
        if packet.flags & tcp.SYN:
            self.next[side] = (packet.sequence + 1) % (1 << 32)
        if packet.flags & (tcp.FIN | tcp.RST) and side not in [who for _, who in self.closed]:
            self.closed.append((packet.time, side))
        if packet.payload:
            self.next.setdefault(side, packet.sequence)
            self.waiting[side][packet.sequence] = packet.payload
            self.deliver(side, packet.time)

    def deliver(self, side, time):
        """What follows on what is there; a segment may repeat a part of it."""
        waiting = self.waiting[side]
        for sequence in sorted(waiting, key=lambda number: (number - self.next[side] + (1 << 31)) % (1 << 32)):
            behind = (self.next[side] - sequence) % (1 << 32)
            if behind >= 1 << 31:
                return  # a hole before it
            payload = waiting.pop(sequence)[behind:]
            if payload:
                self.events.append((time, side, payload))
                self.next[side] = (self.next[side] + len(payload)) % (1 << 32)

    def find_tls(self):
        """TLS begins with a ClientHello (22, version 3.x, a length, 1) at the begin of a segment; in FTP also of the side that was connected to."""
        for at, (_, _, data) in enumerate(self.events):
            if re.match(rb'\x16\x03[\x00-\x04]..\x01', data, re.DOTALL):
                self.tls_at = at
                return


def connections_of(path):
    found, open_now = [], {}
    for packet in tcp.read(path):
        begins = packet.flags & tcp.SYN and not packet.flags & tcp.ACK
        connection = open_now.get(packet.connection)
        if connection is None or (begins and connection.closed):
            connection = Connection(packet.source, packet.target, packet.time)
            open_now[packet.connection] = connection
            found.append(connection)
        connection.take(packet)
    for connection in found:
        connection.find_tls()
    return found


def frames_of(connection, events):
    """The packets of a connection in which `events` are said, as (time, frame)."""
    at = {CLIENT: 1000, SERVER: 5000}
    ends = {CLIENT: (connection.client, connection.server), SERVER: (connection.server, connection.client)}

    def frame(time, side, flags, payload=b''):
        other = SERVER if side == CLIENT else CLIENT
        made = tcp.tcp_frame(*ends[side], at[side], at[other] if flags != tcp.SYN else 0, flags, payload)
        at[side] += len(payload) + bool(flags & (tcp.SYN | tcp.FIN))
        return time, made

    yield frame(connection.start, CLIENT, tcp.SYN)
    yield frame(connection.start, SERVER, tcp.SYN | tcp.ACK)
    yield frame(connection.start, CLIENT, tcp.ACK)
    for time, side, data in events:
        for start in range(0, len(data), 1400):
            yield frame(time, side, tcp.ACK | tcp.PSH, data[start:start + 1400])
    for time, side in connection.closed:
        yield frame(max(time, events[-1][0] if events else time), side, tcp.FIN | tcp.ACK)


def write_capture(path, dialogues):
    """`dialogues`: (connection, events) each; their packets in the order of their times."""
    frames = [frame for connection, events in dialogues for frame in frames_of(connection, events)]
    tcp.write(path, sorted(frames, key=lambda frame: frame[0]))


# ---- what tshark decrypts -----------------------------------------------------


def decrypted(connections, key_logs, scratch):
    """{connection's index: events} of what tshark reads in the TLS parts. Each is a connection of its own, so that nothing stands before it."""
    inside = [(index, connection) for index, connection in enumerate(connections) if connection.tls_at is not None]
    if not inside:
        return {}
    capture = os.path.join(scratch, 'tls.pcap')
    # one after the other, so that tshark's numbers of streams are known; the times come back by the packets' order
    frames, origins = [], []
    for index, connection in inside:
        for time, frame in frames_of(connection, connection.events[connection.tls_at:]):
            frames.append((len(frames), frame))
            origins.append((index, time, CLIENT if tcp.parse(0, frame).source == connection.client else SERVER))
    tcp.write(capture, frames)
    keys = os.path.join(scratch, 'keys.log')
    with open(keys, 'wb') as together:
        for path in key_logs:
            together.write(pathlib.Path(path).read_bytes() + b'\n')
    command = ['tshark', '-r', capture, '-q', '-o', 'tls.keylog_file:' + keys, '-o', 'tcp.desegment_tcp_streams:TRUE']
    for port in sorted({connection.server[1] for _, connection in inside}):
        command += ['-d', 'tcp.port==%d,tls' % port]
    for number in range(len(inside)):
        command += ['-z', 'follow,tls,yaml,%d' % number]
    text = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, timeout=120).stdout.decode()
    found = {}
    for packet, data in re.findall(r'(?m)^  - packet: (\d+)\n.*?data: !!binary \|\n((?:      \S+\n?)*)', text, re.DOTALL):
        index, time, side = origins[int(packet) - 1]
        found.setdefault(index, []).append((time, side, base64.b64decode(data)))
    return found


# ---- the dialogue without TLS ---------------------------------------------------


def replaced(events, at, pattern, text):
    """The events with the first bytes of the first one of the server's at or behind `at` replaced."""
    for later in range(at, len(events)):
        time, side, data = events[later]
        if side == SERVER:
            return events[:later] + [(time, side, re.sub(pattern, text, data, count=1, flags=re.DOTALL))] + events[later + 1:]
    return events


def refused(events):
    """The dialogue with the agreements on TLS refused: STARTTLS, AUTH and PROT of SMTP and FTP, and RDP's negotiation."""
    for at, (_, side, data) in enumerate(events):
        if side == CLIENT and re.match(rb'STARTTLS\r', data):
            events = replaced(events, at, rb'^220', b'454')
        elif side == CLIENT and re.match(rb'AUTH (TLS|SSL)', data):
            events = replaced(events, at, rb'^234', b'534')
        elif side == CLIENT and re.match(rb'PROT P', data):
            events = replaced(events, at, rb'^200', b'536')
        elif side == SERVER and re.match(rb'\x03\x00\x00\x13\x0e\xd0', data):  # RDP Negotiation Response
            events = events[:at] + [(events[at][0], side, data[:15] + bytes(4) + data[19:])] + events[at + 1:]
    return events


def without_credssp(events):
    """RDP begins with the first TPKT of each side: before it stands CredSSP, whose requests are SEQUENCEs of ASN.1, and its end."""
    if not any(data[:1] == b'\x30' for _, _, data in events[:1]):
        return events
    begun = set()
    kept = []
    for event in events:
        if event[2][:1] == b'\x03':
            begun.add(event[1])
        if event[1] in begun:
            kept.append(event)
    return kept


def plaintext_of(connection, inside):
    """All of a connection as it would be without TLS."""
    if connection.tls_at is None:
        return connection.events
    before = connection.events[:connection.tls_at]
    if re.match(rb'\x03\x00', before[0][2] if before else b''):
        inside = without_credssp(inside)
    return refused(before + inside)


# ---- the tests ------------------------------------------------------------------


def rows_of(views, left_out):
    """The rows that are compared, with what the refusals change left out, and the columns of rdp_sessions in `left_out`."""
    found = {}
    for view in VIEWS:
        found[view] = []
        for row in views.dicts(view):
            if view == 'rdp_events' and OF_SIZES.fullmatch('%s: %s' % (row['kind'], row['detail'])):
                continue
            for column in list(row):
                if ABOUT_ENCRYPTION.fullmatch(column) or column in REFUSED.get(view, ()) or (view == 'rdp_sessions' and column in left_out):
                    del row[column]
            if view == 'ftp_commands' and row['command'] in ('AUTH', 'PROT'):
                row['reply_code'] = row['reply'] = None
            if view == 'sessions' and row['protocol'] == 'rdp':
                row['summary'] = re.sub(r'security \w+', 'security', row['summary'])
            found[view].append(row)
    return found


def read(case, capture, scratch, options):
    return run_cases.read_views(_with_options(case, options), capture, scratch, ['--threads', '1', '--no-ndpi'])


def _with_options(case, options):
    other = run_cases.Case(case.folder)
    other.options = options
    return other


def without_keys(options):
    """(options without the keys, the key logs)"""
    kept, logs, rest = [], [], list(options)
    while rest:
        option = rest.pop(0)
        if option == '--keys':
            logs.append(rest.pop(0))
        else:
            kept.append(option)
    return kept, logs


def test_plaintext(case, scratch):
    options, logs = without_keys(case.options)
    capture = pathlib.Path(case.folder, case.capture)
    connections = connections_of(capture)
    inside = decrypted(connections, [os.path.join(case.folder, log) for log in logs], scratch)
    if not any(inside.values()):
        raise run_cases.Failure('tshark decrypts nothing')
    plain = os.path.join(scratch, 'plaintext.pcap')
    write_capture(plain, [(connection, plaintext_of(connection, inside.get(index, []))) for index, connection in enumerate(connections)])
    keyed = read(case, case.capture, scratch, case.options)
    left_out = OF_CREDSSP if any((row['selected_protocol'] or '').startswith('HYBRID') for row in keyed.dicts('rdp_sessions')) else ()
    wanted, found = (rows_of(views, left_out) for views in (read(case, plain, scratch, options), keyed))
    if not any(found.values()):
        raise run_cases.Failure('there are no rows to compare')
    if case.name in LATER:
        wanted, found = without_times(wanted), without_times(found)
    difference = run_cases.first_difference(wanted, found)
    if difference:
        raise run_cases.Failure('plaintext and the same with keys, ' + difference)


def without_times(rows):
    return {view: [{column: value for column, value in row.items() if not run_cases.TIMES.fullmatch(column)} for row in rows[view]] for view in rows}


# Of a session whose begin is in the clear: what its row may say without keys, and otherwise with them.
OTHERWISE_WITHOUT = re.compile(r'.*time|.*_us|duration|encrypt.*|last_reply|phase_reached|inference_basis|handed_over_to|idle_seconds|.*_payload|auth_result|server_extensions')


def test_without(case, scratch):
    options, _ = without_keys(case.options)
    connections = connections_of(pathlib.Path(case.folder, case.capture))
    all_tls = {connection.client for connection in connections if connection.tls_at == 0}
    with_tls = {connection.client for connection in connections if connection.tls_at is not None}
    keyed, views = (read(case, case.capture, scratch, given) for given in (case.options, options))
    clients = {flow['flow_id']: (flow['client_ip'], flow['client_port']) for flow in views.dicts('flows')}
    for view in VIEWS:
        known = {}
        for row in keyed.dicts(view):
            known.setdefault(row.get('flow_id'), []).append(row)
        for row in views.dicts(view):
            client = clients.get(row.get('flow_id'))
            if client not in with_tls or (view == 'sessions' and row['protocol'] == 'tls'):
                continue
            if client in all_tls:
                raise run_cases.Failure('without keys, %s has a row of a connection that is TLS: %s' % (view, row))
            check_row(view, row, known.get(row.get('flow_id'), []))


def check_row(view, row, known):
    """A row of a connection whose begin is in the clear: each value is one that the keys confirm, a count is no larger."""
    if view == 'sessions':
        return  # a summary of the others
    for column, value in row.items():
        confirmed = [other[column] for other in known]
        is_less = isinstance(value, int) and any(isinstance(other, int) and 0 <= value <= other for other in confirmed)
        if value is not None and value not in confirmed and not is_less and not OTHERWISE_WITHOUT.fullmatch(column):
            raise run_cases.Failure('without keys, %s says %s: %s; with keys it is %s' % (view, column, value, confirmed))


def test_wrong(case, scratch):
    options, logs = without_keys(case.options)
    wrong = []
    for number, log in enumerate(logs):
        text = pathlib.Path(case.folder, log).read_text(encoding='ascii')
        path = os.path.join(scratch, 'wrong%d.log' % number)
        pathlib.Path(path).write_text(re.sub(r'(?mi)^(\w+ [0-9a-f]+ [0-9a-f]+)[0-9a-f]{8}$', r'\g<1>00000000', text), encoding='ascii')
        wrong += ['--keys', path]
    keyed, bare, views = (read(case, case.capture, scratch, given) for given in (case.options, options, options + wrong))
    difference = run_cases.first_difference({view: bare.dicts(view) for view in VIEWS}, {view: views.dicts(view) for view in VIEWS})
    if difference:
        raise run_cases.Failure('without keys and with wrong ones, ' + difference)
    opened = [row['flow_id'] for row in keyed.dicts('tls_sessions') if row['decrypted'] == 1]
    said = [row['flow_id'] for row in views.dicts('findings') if row['name'] == 'tls_wrong_key']
    if sorted(opened) != sorted(said):
        raise run_cases.Failure('connections that the keys open: %s; findings about wrong keys: %s' % (sorted(opened), sorted(said)))


def test_proxied(case, scratch):
    """Each WebSocket that the keys open is followed by the proxy's own, without TLS."""
    views = read(case, case.capture, scratch, case.options)
    rows = sorted(views.dicts('websocket_sessions'), key=lambda row: row['start_us'])
    pairs = [(row, following) for row, following in zip(rows, rows[1:]) if (row['encrypted'], following['encrypted']) == (1, 0)]
    if not pairs or 2 * len(pairs) != len(rows):
        raise run_cases.Failure('the WebSockets are not by turns inside TLS and outside: %s' % [row['encrypted'] for row in rows])
    for before, behind in pairs:
        for side in (CLIENT, SERVER):
            said = [[[row[column] for column in OF_A_MESSAGE] for row in views.dicts('websocket_messages')
                     if row['flow_id'] == session['flow_id'] and row['from_side'] == side] for session in (before, behind)]
            if not said[0] or said[0] != said[1]:
                raise run_cases.Failure("the %s's messages before the proxy: %s, behind it: %s" % (side, said[0], said[1]))


OF_A_MESSAGE = ('opcode', 'size', 'wire_size', 'fragments', 'compressed', 'text', 'sha256', 'missing')

TESTS_OF_A_CASE = {'plaintext': test_plaintext, 'without': test_without, 'wrong': test_wrong, 'proxied': test_proxied}

PROXIED = ('websocket/proxies',)


def run_one(case, name):
    with tempfile.TemporaryDirectory(prefix='wirescribe-opened-') as scratch:
        try:
            TESTS_OF_A_CASE[name](case, scratch)
        except run_cases.Failure as failure:
            return 'failed', str(failure)
        except Exception as error:  # a broken test must not end the others
            return 'failed', '%s: %s' % (type(error).__name__, error)
        finally:
            if KEEP:
                for file in os.listdir(scratch):
                    shutil.copy(os.path.join(scratch, file), os.path.join(KEEP, case.name.replace('/', '-') + '-' + file))
    return 'passed', ''


KEEP = None


def is_opened(case):
    """Recorded on Ethernet, with keys for TLS over TCP, and with the right ones."""
    if '--keys' not in case.options or case.capture != 'capture.pcap' or case.name == 'tls/wrong-key':
        return False
    try:
        return any(connection.tls_at is not None for connection in connections_of(pathlib.Path(case.folder, case.capture)))
    except SystemExit:
        return False


def concerns(name, case):
    if name == 'plaintext':
        return case.name not in ONLY_CREDSSP
    return name != 'proxied' or case.name in PROXIED


def main():
    global KEEP
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--jobs', type=int, default=2)
    parser.add_argument('--keep', help='a folder that takes the captures that were made')
    parser.add_argument('cases', nargs='*')
    arguments = parser.parse_args()
    KEEP = arguments.keep
    cases = [case for case in run_cases.all_cases([name.strip('/').removeprefix('tests/') for name in arguments.cases]) if is_opened(case)]
    names = list(TESTS_OF_A_CASE)
    counts = {'passed': 0, 'failed': 0, 'skipped': 0}
    if not shutil.which('tshark'):
        print('tshark is not installed: no plaintext to compare with')
        names.remove('plaintext')
        counts['skipped'] = len(cases)
    work = [(case, name) for case in cases for name in names if concerns(name, case)]
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for (case, name), (outcome, text) in zip(work, pool.map(lambda item: run_one(*item), work)):
            counts[outcome] += 1
            if outcome == 'failed':
                print('FAIL %s: %s\n    %s' % (case.name, name, text), flush=True)
    print('%(passed)d passed, %(failed)d failed, %(skipped)d skipped' % counts)
    return 1 if counts['failed'] or not counts['passed'] else 0


if __name__ == '__main__':
    sys.exit(main())
