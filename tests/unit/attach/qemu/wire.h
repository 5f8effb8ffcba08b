/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wire.h - what the tests of the attachment `qemu` stand on: an instance that
 * the test itself runs, a pair with the attachment at its a end and a stack
 * that keeps at its b end, a folder for sockets, and plain sockets as peers.
 *
 * Waiting is always AWAIT(condition): the instance is dispatched meanwhile, and
 * after ten seconds the test fails.
 */
#ifndef WIRE_H
#define WIRE_H

#include "unit/api/rig.h"

struct wire {
	struct epair *ep;
	struct epair_if *a, *b;
	struct seen at_b;
	struct epair_sub *sub;
	unsigned events; /* ATTACHMENT events so far */
	char said[128]; /* the last of them */
	char folder[32];
	char path[48]; /* of the attachment's socket, in folder */
	char other[48]; /* another */
	bool runs_itself; /* the instance has threads */
};

int wire_setup(void **state);
int wire_teardown(void **state);

#define WIRE_TEST(test) \
	cmocka_unit_test_setup_teardown(test, wire_setup, wire_teardown)

/* Run the instance for a moment. Returns false when it was awaited too long. */
void wire_turn(struct wire *w);
/* Fail when ten seconds have gone since *since, which is 0 at first. */
void wire_patience(uint64_t *since, const char *what);

#define AWAIT(w, e) \
	do { \
		uint64_t since_ = 0; \
		while (!(e)) { \
			wire_turn(w); \
			wire_patience(&since_, #e); \
		} \
	} while (0)

/* Attach to a: printf with the whole text. attach_error gives the error. */
void attach(struct wire *w, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
int attach_error(struct wire *w, struct epair_err *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Has the last event these words in it? */
int has_said(struct wire *w, const char *words);

/* Plain sockets, all non-blocking but for their connecting. */
int peer_listen(const char *path, int socktype);
int peer_accept(struct wire *w, int listener);
int peer_connect(const char *path, int socktype);
/* Dgram: bound to path. */
int peer_bind(const char *path);

/* Send a frame of len octets, all c, with its length in front if is_stream. */
void peer_send(int fd, uint32_t len, uint8_t c, int is_stream);
/* Read exactly n octets, running the instance meanwhile. */
void peer_read(struct wire *w, int fd, void *buf, size_t n);
/* Read a frame of the stream; its length. */
uint32_t peer_read_frame(struct wire *w, int fd, uint8_t *buf, size_t size);

#endif /* WIRE_H */
