/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/tap/tap.h - a Linux network namespace behind an interface.
 *
 *	tap.c     options, life, the contract table
 *	io.c      frames: read from the device, written to it
 *	tun.c     what of the device belongs to whoever holds its descriptor
 *
 * All else about the device is attach/device.h.
 *
 * A queue is its worker's.
 */
#ifndef EP_ATTACH_TAP_TAP_H
#define EP_ATTACH_TAP_TAP_H

#include "attach/device.h"
#include "attach/virtio.h"

enum ep_tap_io { EP_TAP_IO_AUTO, EP_TAP_IO_URING, EP_TAP_IO_SYSCALL };

struct ep_tap_conf {
	struct ep_device_conf device;
	uint32_t queues; /* 0: as many as the interface has */
	unsigned fd_count;
	uint32_t fds[EP_OPENER_QUEUES_MAX];
	bool offload;
	unsigned io; /* enum ep_tap_io */
};

struct ep_tap;

struct ep_tap_ring;

/*
 * One of the device's, and what serves a bucket of the interface; where there
 * are more buckets than queues, the further ones only write, to a queue that
 * is another's. Each is on one worker.
 */
struct ep_tap_queue {
	struct ep_watch watch;
	struct ep_tap *tap; /* constant */
	int fd; /* constant */
	struct ep_tap_ring *ring; /* or NULL; its worker's from start on */
	unsigned batch; /* frames to read at once; its worker's */
	uint32_t headers; /* for its reader (vector.h); its worker's */
	uint64_t sent; /* by its worker, read relaxed */
};

struct ep_tap {
	struct ep_stack st; /* first */
	struct ep_device device;
	uint32_t hdr_len; /* constant: EP_VIRTIO_HDR_LEN, or 0: none */
	int rw_flags; /* constant: RWF_NOWAIT, or 0: the kernel is too old */
	bool is_offloading; /* constant: offload=on, and there is a header */

	int handed[EP_OPENER_QUEUES_MAX]; /* the device, where it was there */
	unsigned handed_count;
	bool says_where; /* constant: it was handed over, its place was not */
	bool is_given; /* by fd=: to be closed when it is sure */

	unsigned queue_count; /* constant: of the device */
	unsigned lane_count; /* constant: that, or buckets if they are more */
	int no_ring; /* why there is none; 0: there is, or is not to be */
	struct ep_tap_queue queues[];
};

/* io.c */
void ep_tap_read(struct ep_watch *watch, uint32_t events);
void ep_tap_receive(
    struct ep_stack *st, struct epair_mbuf **ms, unsigned n, unsigned queue);

/* tun.c */

/* What device.h asks of us. */
extern const struct ep_device_ops ep_tap_device;

/*
 * Have each queue not wait, and its header as we want it: a TAP of ours has
 * one, and one handed over as it was made. Whoever else has it may take
 * O_NONBLOCK away again, so each read and write says by itself that it does not
 * wait, from Linux 6.4 on.
 */
int ep_tap_set_up_header(struct ep_tap *tap, struct epair_err *err);

/*
 * Can reads and writes of this file be kept from waiting by RWF_NOWAIT? A TAP's
 * can from Linux 6.4 on. rw_flags has the answer.
 */
bool ep_tap_knows_nowait(int fd);

/*
 * Have the kernel leave open what is in caps, or as much of it as it knows.
 * Returns what that is: EPAIR_CAP_CSUM, TSO, USO.
 */
uint32_t ep_tap_set_offload(const struct ep_tap *tap, uint32_t caps);

#endif /* EP_ATTACH_TAP_TAP_H */
