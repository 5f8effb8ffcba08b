# SPDX-License-Identifier: BSD-2-Clause
"""A file system of one file, served by the test, which is silent when it likes."""
import ctypes
import errno
import os
import struct
import threading

from harness import Skip

FORGET, GETATTR, OPEN, RELEASE, FLUSH, INIT, LOOKUP = 2, 3, 14, 18, 25, 26, 1
HEAD = struct.Struct("=IIQQIIII")
LIBC = ctypes.CDLL(None, use_errno=True)


def attributes(node):
    mode = 0o40755 if node == 1 else 0o100666
    return struct.pack("=6Q10I", node, 4096, 8, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)


class Fuse:
    """Mounted at a folder; `silent` names the requests that get no answer until the end."""

    def __init__(self, folder):
        self.folder, self.silent, self.held = folder, set(), []
        try:
            self.device = os.open("/dev/fuse", os.O_RDWR)
        except OSError as why:
            raise Skip(f"no FUSE: {why}") from why
        options = f"fd={self.device},rootmode=40000,user_id=0,group_id=0,allow_other"
        if LIBC.mount(b"fuse", folder.encode(), b"fuse", 0, options.encode()) != 0:
            os.close(self.device)
            raise Skip(f"no FUSE: {os.strerror(ctypes.get_errno())}")
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.silent = set()
        for unique in self.held:
            self.answer(unique, b"", -errno.EIO)
        LIBC.umount2(self.folder.encode(), 3)  # MNT_FORCE, MNT_DETACH
        self.thread.join()
        os.close(self.device)

    def answer(self, unique, body=b"", error=0):
        try:
            os.write(self.device, struct.pack("=IiQ", 16 + len(body), error, unique) + body)
        except OSError:
            pass  # whoever asked has gone

    def serve(self):
        while True:
            try:
                request = os.read(self.device, 1 << 17)
            except OSError as why:
                if why.errno in (errno.ENODEV, errno.ECONNABORTED):
                    return
                continue
            _, what, unique, node, *_ = HEAD.unpack_from(request)
            if what in self.silent:
                self.held.append(unique)
            else:
                self.hear(what, unique, node)

    def hear(self, what, unique, node):
        if what == INIT:
            self.answer(unique, struct.pack("=4I2H2I2H8I", 7, 31, 4096, 0, 0, 0, 4096, 1, 0, 0,
                                            *[0] * 8))
        elif what == LOOKUP:
            self.answer(unique, struct.pack("=4Q2I", 2, 0, 0, 0, 0, 0) + attributes(2))
        elif what == GETATTR:
            self.answer(unique, struct.pack("=Q2I", 0, 0, 0) + attributes(node))
        elif what == OPEN:
            self.answer(unique, struct.pack("=Q2I", 1, 0, 0))
        elif what in (RELEASE, FLUSH):
            self.answer(unique)
        elif what != FORGET:
            self.answer(unique, b"", -errno.ENOSYS)
