#!/usr/bin/env python3
"""The truth of recorded TLS sessions: what s_client says of each (version, cipher, resumption, certificate), and how many there were."""

import argparse
import json
import re

SUITES = re.compile(r'^(?:New|Reused), (\S+), Cipher is (\S+)$', re.M)


def sessions(log):
    for block in re.split(r'(?m)^(?=CONNECTED\()', log):
        if not block.startswith('CONNECTED('):
            continue
        found = re.search(r'^(New|Reused), (\S+), Cipher is (\S+)$', block, re.M)
        version = re.search(r'^    Protocol  : (\S+)$', block, re.M)
        subject = re.search(r'^subject=(.*)$', block, re.M)
        early = re.search(r'^Early data was (accepted|rejected|not sent)$', block, re.M)
        yield {
            'resumed': found is not None and found.group(1) == 'Reused',
            'version': version.group(1) if version else (found.group(2) if found else None),
            'openssl_cipher': found.group(3) if found else None,
            'subject': subject.group(1).strip() if subject else None,
            'early_data': early is not None and early.group(1) == 'accepted',
            'got_page': 'a page of the server' in block,
        }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--case', required=True)
    parser.add_argument('--client-log', required=True)
    parser.add_argument('--keys', required=True)
    arguments = parser.parse_args()
    with open(arguments.client_log, encoding='utf-8', errors='replace') as file:
        log = file.read()
    with open(arguments.keys, encoding='ascii') as file:
        # "RSA" lines go by what the client encrypted, and stand beside those of its random
        randoms = {line.split()[1] for line in file if line.split()[1:] and not line.startswith(('#', 'RSA '))}
    print(json.dumps({
        'case': arguments.case,
        'protocol': 'tls',
        'sources': ['client log', 'key log'],
        'session_count': len(randoms),
        'curl_answers': re.findall(r'^curl (\d+) \d+$', log, re.M),
        'sessions': list(sessions(log)),
    }, indent=2))


main()
