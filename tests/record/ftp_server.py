#!/usr/bin/env python3
"""A second FTP server (pyftpdlib): ftp_server.py PORT USER PASSWORD FOLDER; logs every line."""
import logging
import sys

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import FTPServer

logging.basicConfig(level=logging.DEBUG, format="%(message)s", stream=sys.stdout)
users = DummyAuthorizer()
users.add_user(sys.argv[2], sys.argv[3], sys.argv[4], perm="elradfmwMT")
FTPHandler.authorizer = users
FTPHandler.use_sendfile = False
FTPServer(("", int(sys.argv[1])), FTPHandler).serve_forever()
