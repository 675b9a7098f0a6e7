#!/usr/bin/env python3
"""Plays a tone into an xrdp session: rdp_sound.py SOCKET MILLISECONDS.

xrdp-chansrv takes PCM (44100 Hz, two channels, 16 bit) at its socket xrdp_chansrv_audio_out_socket_DISPLAY,
in messages of a kind (0 samples, 1 close), their whole length, and the samples; PulseAudio's module does the same.
"""
import array
import math
import socket
import struct
import sys
import time

RATE, TONE = 44100, 440
BLOCK = 4410


def main():
    path, milliseconds = sys.argv[1], int(sys.argv[2])
    server = socket.socket(socket.AF_UNIX)
    server.connect(path)
    sent = 0
    while sent < RATE * milliseconds // 1000:
        samples = array.array("h")
        for number in range(sent, sent + BLOCK):
            level = int(8000 * math.sin(2 * math.pi * TONE * number / RATE))
            samples.extend((level, level))
        server.sendall(struct.pack("<II", 0, 8 + 2 * len(samples)) + samples.tobytes())
        sent += BLOCK
        time.sleep(BLOCK / RATE)
    server.sendall(struct.pack("<II", 1, 8))
    time.sleep(0.3)
    print(f"{4 * sent} bytes of PCM")


if __name__ == "__main__":
    main()
