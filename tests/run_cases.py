#!/usr/bin/env python3
"""Runs the recorded cases: tests/<protocol>/<case>/ with a capture and the rows it must give.

    run_cases.py [--jobs N] [--verbose] [CASE...]     all cases, or those named: smtp, smtp/starttls
    run_cases.py --accept CASE...                     shows the difference, rewrites `expected`

Each case is read
  whole     every public view must hold the rows of `expected`, ids and times included;
  bytewise  with every TCP segment split to single bytes: the protocol rows must be equal;
  cuts      cut after every packet (after about 60 of them where there are more, after 12 of more than 240): it must not
            fail, and what was said of an earlier row must stand;
  threads   with --threads 3: the same rows, but for their ids;
  apart     as if the two directions had been captured apart, by clocks that differ by 30 ms either
            way: what was said must be the same (plain dialogues; not FTP, whose data connections come in
            their time).
At the end, over all cases: a column that is NULL everywhere fails, unless the schema says that it is
not filled yet; one that the schema says so of must be NULL.

The program is $WIRESCRIBE, or build/wirescribe. A case may have a file `options` with further
arguments of `wirescribe read`, and `unsplittable` with the reason why its segments cannot be split, cut or moved.
The last line is "N passed, N failed, N skipped"; the exit status is 1 if any failed.
"""

import argparse
import concurrent.futures
import difflib
import os
import re
import shlex
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import split_segments
import view_rows

TESTS = os.path.dirname(os.path.abspath(__file__))
LONG_CAPTURE = 240  # packets; cut at fewer places: each takes its time
TEST_SAMPLE = int(os.environ.get('TEST_SAMPLE') or 1)  # above 1: fewer of what is done very often
MOST_CUTS = max(60 // TEST_SAMPLE, 10)
SECONDS_A_RUN = 120
CAPTURE_NAMES = ('capture.pcap', 'capture.pcapng', 'capture.pcap.gz', 'capture.pcapng.gz', 'capture.pcap.zst', 'capture.pcapng.zst')
REPORT = re.compile(r'Sanitizer|runtime error:|Assertion .* failed')

# Columns that no capture file can fill.
LIVE_ONLY = {('captures', 'dropped_queue')}

# The views whose rows stand once they are written, and what tells their rows apart.
STANDING_VIEWS = {
    'smtp_sessions': ('flow_id',),
    'smtp_mails': ('flow_id', 'number'),
    'smtp_recipients': ('mail_id', 'address'),
    'files': ('file_id',),
    'ssh_sessions': ('flow_id',),
    'ssh_kexinits': ('flow_id', 'from_side'),
    'websocket_sessions': ('flow_id', 'attempt'),
    'websocket_messages': ('flow_id', 'stream_id', 'number'),
    'http_requests': ('flow_id', 'number'),
    'rdp_sessions': ('flow_id',),
    'rdp_channels': ('flow_id', 'name'),
    'ftp_sessions': ('flow_id',),
    'ftp_commands': ('flow_id', 'number'),
    'ftp_transfers': ('flow_id', 'number'),
    'ftp_listings': ('flow_id', 'transfer', 'number'),
    'tls_sessions': ('flow_id',),
}

# What may still change in such a row as the conversation goes on: counters, lists that grow, endings.
STILL_MOVING = re.compile(
    r'duration|bytes|(?:request|response)_size|bytes_up|bytes_down|.*_bytes|size|wire_size|missing|complete|truncated|.*_missing|sha256|mime_type|'
    r'login_attempts|login_failures|mails|commands|transfers|pings|pongs|rekeys|.*_messages|.*_payload|.*_events|screen_updates|attachments|received_hops|'
    r'fragments|violations|resynced|recipients|rejected_recipients|text|outcome|auth_result|auth_user|auth_mechanism|auth_attempts|user|last_reply|'
    r'encryption|handed_over_to|inner_protocol|established|alert|close_.*|closed_by|summary|activity|end_us|reply|reply_code|delay_us|'
    r'encrypted|opened_packets|wrong_signatures|screen_.*|drawing_orders|pointer_updates|desktop_resizes|server_extensions|helo|banner|parent_flow_id|stored_path|announced_size|phase_reached|inference_basis|interactive|idle_seconds|keystrokes|activity_detail|transfer_direction|transfer_size|transfer_files|protocol_version|server_text')


class Failure(Exception):
    """A test that did not hold; its text says why."""


class Case:
    def __init__(self, folder):
        self.folder = folder
        self.name = os.path.relpath(folder, TESTS)
        self.capture = next(name for name in CAPTURE_NAMES if os.path.exists(os.path.join(folder, name)))
        self.expected_path = os.path.join(folder, 'expected')
        options = os.path.join(folder, 'options')
        self.options = []
        if os.path.exists(options):
            with open(options, encoding='utf-8') as file:
                self.options = shlex.split(file.read(), comments=True)

    def expected(self):
        if not os.path.exists(self.expected_path):
            return None
        with open(self.expected_path, encoding='utf-8') as file:
            return file.read()

    def unsplittable(self):
        return os.path.exists(os.path.join(self.folder, 'unsplittable'))


def all_cases(wanted):
    cases = []
    for protocol in sorted(os.listdir(TESTS)):
        above = os.path.join(TESTS, protocol)
        if not os.path.isdir(above):
            continue
        for name in sorted(os.listdir(above)):
            folder = os.path.join(above, name)
            if any(os.path.exists(os.path.join(folder, capture)) for capture in CAPTURE_NAMES):
                cases.append(Case(folder))
    if not wanted:
        return cases
    chosen = [case for case in cases if any(case.name == name or case.name.startswith(name + '/') for name in wanted)]
    for name in wanted:
        if not any(case.name == name or case.name.startswith(name + '/') for case in cases):
            sys.exit('run_cases.py: no such case: ' + name)
    return chosen


# ---- running the program -----------------------------------------------------


def program():
    return os.path.abspath(os.environ.get('WIRESCRIBE', os.path.join(TESTS, '..', 'build', 'wirescribe')))


def environment():
    """Ours, with sanitizer reports made distinct from the program's own exit statuses."""
    mine = dict(os.environ, NO_COLOR='1', LC_ALL='C', TZ='UTC')
    mine['ASAN_OPTIONS'] = 'exitcode=99:' + mine.get('ASAN_OPTIONS', '')
    mine['UBSAN_OPTIONS'] = 'print_stacktrace=1:' + mine.get('UBSAN_OPTIONS', '')
    return mine


def run(arguments, folder=None):
    """Runs the program; a crash, a sanitizer's report or a hang is a Failure."""
    command = [program()] + arguments
    try:
        result = subprocess.run(command, cwd=folder, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, timeout=SECONDS_A_RUN, check=False)
    except subprocess.TimeoutExpired as timeout:
        raise Failure('hangs: %s' % shlex.join(command)) from timeout
    messages = result.stderr.decode('utf-8', 'replace')
    if result.returncode < 0 or result.returncode > 2 or REPORT.search(messages):
        raise Failure('crashes (status %d): %s\n%s' % (result.returncode, shlex.join(command), messages[-4000:]))
    return result.returncode, result.stdout.decode('utf-8', 'replace'), messages


def read_views(case, capture, scratch, arguments=(), only=None):
    """Reads a capture into a fresh database under `scratch` and answers its views, all or `only` those."""
    database = os.path.join(scratch, 'out.db')
    folder = case.folder
    if '--store-files' in case.options:  # a relative directory is made where nothing is in its way, and its path is the same each time
        folder = tempfile.mkdtemp(dir=scratch)
        if not os.path.isabs(capture):
            os.symlink(os.path.join(case.folder, capture), os.path.join(folder, capture))
    status, _, messages = run(['read', capture, '-o', database, '-q'] + case.options + list(arguments), folder)
    if status != 0:
        raise Failure('exit status %d: %s' % (status, messages.strip()))
    views = view_rows.Views(database, only)
    os.unlink(database)
    return views


def scratch_parent():
    """Thousands of small databases are written and deleted: in memory, where there is room and nobody has chosen a place. None: as usual."""
    memory = '/dev/shm'
    if 'TMPDIR' in os.environ or not os.access(memory, os.W_OK | os.X_OK):
        return None
    room = os.statvfs(memory)
    return memory if room.f_bavail * room.f_frsize >= 1 << 29 else None


# ---- the tests of one case ------------------------------------------------------


def difference(wanted, found, wanted_name, found_name, most=60):
    lines = list(difflib.unified_diff(wanted.splitlines(), found.splitlines(), wanted_name, found_name, lineterm='', n=4))
    more = ['... (%d more lines)' % (len(lines) - most)] if len(lines) > most else []
    return '\n'.join(lines[:most] + more)


def is_same_ndpi():
    """nDPI's names differ from version to version; the expected rows hold those of 4.2."""
    _, text, _ = run(['--version'])
    version = re.search(r'nDPI (\d+\.\d+)', text)
    return version is None or version.group(1) == '4.2'


def without_ndpi(text):
    return re.sub(r'(?m)^(ndpi_\w+): .*$', r'\1: (another nDPI)', text)


def test_whole(case, scratch):
    found = view_rows.dump(read_views(case, case.capture, scratch, ['--threads', '1']))
    wanted = case.expected()
    if wanted is None:
        raise Failure('there is no `expected` yet; look at it and take it with: make accept CASE=%s' % case.name)
    if wanted != found and not is_same_ndpi():
        wanted, found = without_ndpi(wanted), without_ndpi(found)
    if wanted != found:
        raise Failure(difference(wanted, found, 'expected', 'found') + '\nif this is right: make accept CASE=%s' % case.name)


def first_difference(wanted, found):
    """Where two sets of rows differ, as a text; None where they do not."""
    for view in wanted:
        for number, (one, other) in enumerate(zip(wanted[view], found.get(view, [])), 1):
            if one != other:
                columns = [column for column in one if one[column] != other.get(column)]
                return '%s %d differs in %s' % (
                    view, number, ', '.join('%s: %s, now %s' % (column, one[column], other.get(column)) for column in columns))
        if len(wanted[view]) != len(found.get(view, [])):
            return '%s: %d rows, now %d' % (view, len(wanted[view]), len(found.get(view, [])))
    return None


def rows_of_bytes(views):
    """The protocol rows; without the times of SSH's events where bytes are missing: a hole is given up at a moment that depends on the segments."""
    rows = view_rows.protocol_rows(views)
    with_holes = {flow['flow_id'] for flow in views.dicts('flows') if flow['client_missing'] or flow['server_missing']}
    for row in rows['ssh_events']:
        if row['flow_id'] in with_holes:
            row['time'] = row['time_us'] = None
    return rows


def test_bytewise(case, scratch):
    split = os.path.join(scratch, 'split.pcap')
    split_segments.split_file(os.path.join(case.folder, case.capture), split)
    whole, pieces = (rows_of_bytes(read_views(case, capture, scratch, ['--threads', '1', '--no-ndpi'])) for capture in (case.capture, split))
    found = first_difference(whole, pieces)
    if found:
        raise Failure('split to single bytes, ' + found)


def test_threads(case, scratch):
    one = view_rows.rows_without_ids(read_views(case, case.capture, scratch, ['--threads', '1']))
    three = view_rows.rows_without_ids(read_views(case, case.capture, scratch, ['--threads', '3']))
    for view, rows in one.items():
        if rows != three[view]:
            raise Failure('with three threads, %s differs:\n%s' % (view, difference('\n'.join(rows), '\n'.join(three[view]), '1 thread', '3 threads')))


LINK_HEADERS = {split_segments.LINK_ETHERNET: 14, split_segments.LINK_RAW: 0, split_segments.LINK_LINUX_SLL: 16, split_segments.LINK_LINUX_SLL2: 20}
TIMES = re.compile(r'.*_us|.*time|duration|idle_seconds')


def comes_from_higher(link_type, data):
    """Which of its two ends sent a TCP packet, as a truth value; None for anything else."""
    ip = data[LINK_HEADERS[link_type]:]
    if len(ip) >= 40 and ip[0] >> 4 == 4 and ip[9] == 6:
        header, source, target = (ip[0] & 15) * 4, ip[12:16], ip[16:20]
    elif len(ip) >= 60 and ip[0] >> 4 == 6 and ip[6] == 6:
        header, source, target = 40, ip[8:24], ip[24:40]
    else:
        return None
    return source + ip[header:header + 2] > target + ip[header + 2:header + 4]


def what_was_said(case, capture, scratch):
    """The rows of sessions and what is in them, without times."""
    rows = view_rows.protocol_rows(read_views(case, capture, scratch, ['--threads', '1', '--no-ndpi']))
    return {view: [{column: value for column, value in row.items() if not TIMES.fullmatch(column)} for row in rows[view]]
            for view in ('sessions', *STANDING_VIEWS)}


def test_apart(case, scratch):
    link_type, packets = split_segments.read_capture(os.path.join(case.folder, case.capture))
    if link_type not in LINK_HEADERS or re.search(r'^ftp/|^streams/|^ssh/sessions|gap|midstream|hostile|reordered', case.name):
        return  # what depends on the moment in which something was said; two disturbances at once
    whole = what_was_said(case, case.capture, scratch)
    for higher_is_late in (True, False):
        apart = os.path.join(scratch, 'apart.pcap')
        shifted = [split_segments.Packet(packet.time_ns + (30000000 if comes_from_higher(link_type, packet.data) == higher_is_late else 0), packet.data,
                                         packet.wire_length) for packet in packets]
        split_segments.write_pcap(apart, link_type, sorted(shifted, key=lambda packet: packet.time_ns))
        found = first_difference(whole, what_was_said(case, apart, scratch))
        if found:
            raise Failure('captured apart, %s' % found)


def disturbed_flows(views, whole):
    """
    Flows of which a cut rightly tells another story: a hole that a later packet fills counts as missing when the capture
    ends first, and a client that was guessed may be guessed otherwise from fewer packets.
    """
    facts = ('client_ip', 'client_port', 'client_missing', 'server_missing')
    final = {row['flow_id']: tuple(row[fact] for fact in facts) for row in whole.dicts('flows')}
    return {row['flow_id'] for row in views.dicts('flows') if final.get(row['flow_id']) != tuple(row[fact] for fact in facts)}


def standing_rows(views):
    """{view: {key: row}} of the views whose rows stand; an n-th row with the same key gets n as part of its key."""
    mail_flows = {row['mail_id']: row['flow_id'] for row in views.dicts('smtp_mails')}
    result = {}
    for view, names in STANDING_VIEWS.items():
        rows = {}
        for row in views.dicts(view):
            if 'flow_id' not in row:
                row['flow_id'] = mail_flows.get(row['mail_id'])
            key = tuple(row[name] for name in names)
            number = 1
            while key + (number,) in rows:
                number += 1
            rows[key + (number,)] = row
        result[view] = rows
    return result


def is_provisional(view, row, rows):
    """
    WebSocket messages are numbered in the order of their ends. Where the capture ends inside one, it is written as the last
    of its side, without a size; the whole may have a control frame at that number, and the message at a later one.
    """
    if view != 'websocket_messages' or row['size'] is not None:
        return False
    last = max(other['number'] for other in rows.values() if other['flow_id'] == row['flow_id'])
    return row['number'] > last - 2


def check_that_rows_stand(at, views, whole, final):
    """Every row of the cut must be a row of the whole, with the same settled values. Answers the number of rows by view."""
    disturbed = disturbed_flows(views, whole)
    # A hole is given up at a moment that depends on the packets behind it.
    with_holes = {flow['flow_id'] for flow in whole.dicts('flows') if flow['client_missing'] or flow['server_missing']}
    counts = {}
    for view, rows in standing_rows(views).items():
        counts[view] = len(rows)
        for key, row in rows.items():
            if row['flow_id'] in disturbed or is_provisional(view, row, rows):
                continue
            if key not in final[view]:
                raise Failure('cut after packet %d, %s has a row %s that the whole has not' % (at, view, key))
            for column, value in row.items():
                if value is None or STILL_MOVING.fullmatch(column):
                    continue
                if view == 'websocket_messages' and column in ('time', 'time_us') and row['flow_id'] in with_holes:
                    continue
                if final[view][key][column] != value:
                    raise Failure('cut after packet %d, %s %s says %s: %s, the whole %s' % (at, view, key, column, value, final[view][key][column]))
    return counts, bool(disturbed)


def cut_places(count):
    most = MOST_CUTS // 5 if count > LONG_CAPTURE else MOST_CUTS
    if count <= most:
        return list(range(1, count + 1))
    return sorted({1 + i * (count - 1) // (most - 1) for i in range(most)})


def test_cuts(case, scratch):
    whole = read_views(case, case.capture, scratch, ['--threads', '1', '--no-ndpi'])
    final = standing_rows(whole)
    link_type, packets = split_segments.read_capture(os.path.join(case.folder, case.capture))
    cut = os.path.join(scratch, 'cut.pcap')
    before = {}
    for at in cut_places(len(packets)):
        split_segments.write_pcap(cut, link_type, packets[:at])
        views = read_views(case, cut, scratch, ['--threads', '1', '--no-ndpi'], {'flows', *STANDING_VIEWS})
        counts, is_disturbed = check_that_rows_stand(at, views, whole, final)
        for view, count in counts.items():
            if count < before.get(view, 0) and not is_disturbed:
                raise Failure('cut after packet %d, %s has %d rows; an earlier cut had %d' % (at, view, count, before[view]))
        if not is_disturbed:
            before = counts


TESTS_OF_A_CASE = {'whole': test_whole, 'bytewise': test_bytewise, 'cuts': test_cuts, 'threads': test_threads, 'apart': test_apart}


def run_one(case, name):
    """(outcome, text) of one test of one case; the outcome is passed, failed or skipped."""
    if name in ('bytewise', 'cuts', 'apart') and case.unsplittable():
        return 'skipped', 'unsplittable'
    with tempfile.TemporaryDirectory(prefix='wirescribe-case-', dir=scratch_parent()) as scratch:
        try:
            TESTS_OF_A_CASE[name](case, scratch)
        except Failure as failure:
            return 'failed', str(failure)
        except split_segments.NotSplittable as reason:
            return 'skipped', str(reason)
        except Exception as error:  # a broken test must not end the others
            return 'failed', '%s: %s' % (type(error).__name__, error)
    return 'passed', ''


# ---- the test over all cases ------------------------------------------------------


def schema_columns():
    """
    {(view, column): whether the schema says that it is not filled yet}. `wirescribe schema` prints each view as
    CREATE VIEW name AS, then a comment for each column: its name, its type, its sentence.
    """
    _, text, _ = run(['schema'])
    columns = {}
    view = None
    for line in text.split('\n'):
        heading = re.match(r'CREATE VIEW (\w+)', line)
        if heading or line.startswith('CREATE TABLE'):
            view = heading and heading.group(1)
            continue
        column = re.match(r'--   ([\w.]+) +(?:INTEGER|REAL|TEXT|0 or 1) +(.*)', line)
        if column and view:
            columns[(view, column.group(1))] = '(not filled yet)' in column.group(2)
    return columns


def check_columns(cases):
    """What is wrong with the columns over all cases, a line each."""
    promised = schema_columns()
    filled = {}
    for case in cases:
        for key, has_value in view_rows.columns_of_dump(case.expected() or '').items():
            filled[key] = filled.get(key, False) or has_value
    wrong = []
    if not promised:
        wrong.append('`wirescribe schema` names no columns that this test could read')
    for (view, column), is_later in promised.items():
        has_value = filled.get((view, column), False)
        if is_later and has_value:
            wrong.append('%s.%s has a value, but the schema says that it is not filled yet' % (view, column))
        if not is_later and not has_value and (view, column) not in LIVE_ONLY:
            wrong.append('%s.%s is NULL in the expected rows of all cases: nothing shows that it works' % (view, column))
    for view, column in filled:
        if promised and (view, column) not in promised:
            wrong.append('%s.%s is not in `wirescribe schema`' % (view, column))
    return wrong


# ---- the command line ----------------------------------------------------------------


def accept(cases):
    for case in cases:
        with tempfile.TemporaryDirectory(prefix='wirescribe-case-', dir=scratch_parent()) as scratch:
            try:
                found = view_rows.dump(read_views(case, case.capture, scratch, ['--threads', '1']))
            except Failure as failure:
                sys.exit('%s: %s' % (case.name, failure))
        wanted = case.expected()
        if wanted == found:
            print('%s: no difference' % case.name)
            continue
        if wanted is None:
            print(found)
        else:
            print(difference(wanted, found, case.name + '/expected', 'found', most=100000))
        with open(case.expected_path, 'w', encoding='utf-8') as file:
            file.write(found)
        print('%s: rewritten' % case.name)


def is_in_sample(place, name):
    """Whether a test is run of the case at this place. What two directions or three workers do differs little from case to case."""
    return TEST_SAMPLE == 1 or name not in ('threads', 'apart') or place % 4 == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--accept', action='store_true')
    parser.add_argument('--jobs', type=int, default=2)
    parser.add_argument('--only', choices=sorted(TESTS_OF_A_CASE), action='append', help='run only this test of each case')
    parser.add_argument('--verbose', action='store_true')
    parser.add_argument('cases', nargs='*')
    arguments = parser.parse_args()
    wanted = [name.strip('/').removeprefix('tests/') for name in arguments.cases]
    cases = all_cases(wanted)
    if not os.access(program(), os.X_OK):
        sys.exit('run_cases.py: there is no program at %s: build first, or set WIRESCRIBE' % program())
    if arguments.accept:
        if not wanted:
            sys.exit('run_cases.py: name the cases to accept: CASE=smtp/starttls')
        accept(cases)
        return 0
    counts = {'passed': 0, 'failed': 0, 'skipped': 0}

    def note(outcome, name, text):
        counts[outcome] += 1
        if outcome == 'failed':
            print('FAIL %s\n%s\n' % (name, '\n'.join('    ' + line for line in text.split('\n'))), flush=True)
        elif arguments.verbose or outcome == 'skipped':
            print('%s %s %s' % (outcome, name, text), flush=True)

    work = [(case, name) for place, case in enumerate(cases) for name in TESTS_OF_A_CASE
            if (name in arguments.only if arguments.only else is_in_sample(place, name))]
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        outcomes = pool.map(lambda item: run_one(*item), work)
        for (case, name), (outcome, text) in zip(work, outcomes):
            note(outcome, '%s: %s' % (case.name, name), text)
    if not wanted and not arguments.only:
        wrong = check_columns(cases)
        note('failed' if wrong else 'passed', 'every column has a value in some case, or is marked', '\n'.join(wrong))
    print('%(passed)d passed, %(failed)d failed, %(skipped)d skipped' % counts)
    return 1 if counts['failed'] or not counts['passed'] else 0


if __name__ == '__main__':
    sys.exit(main())
