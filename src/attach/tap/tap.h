/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/tap/tap.h - a Linux network namespace behind an interface.
 *
 *	tap.c     options, life, the contract table
 *	io.c      frames: read from the device, written to it
 *	device.c  the device's own state: applied from ours, and followed
 *
 * The opener makes the device and hands over its descriptors; nothing here
 * needs a right. What we set at the device later goes through the opener too,
 * but for carrier and offloads, which belong to whoever holds the descriptor.
 *
 * Who is right about what (states of one value, MTU or MAC):
 *
 *	asked   what we last set, or accepted
 *	seen    what the kernel last told
 *
 *	T1  a change of ours that is not asked is set at the device
 *	T2  what the kernel tells that is neither seen nor asked was changed
 *	    inside, and we take it; asked is then that
 *
 * so an echo of our own change never comes back to us, and one that was taken
 * never goes out again. One that we cannot take is set back.
 *
 * Locking: conf guards the device's state and is held over requests to the
 * opener; nl the route socket and what is counted from it. Order: conf, nl;
 * both before the configuration lock. A queue is its worker's.
 */
#ifndef EP_ATTACH_TAP_TAP_H
#define EP_ATTACH_TAP_TAP_H

#include "attach/attach.h"
#include "attach/netdev.h"
#include "attach/netns.h"
#include "attach/opener.h"
#include "attach/virtio.h"

enum ep_tap_io { EP_TAP_IO_AUTO, EP_TAP_IO_URING, EP_TAP_IO_SYSCALL };

struct ep_tap_conf {
	const char *netns; /* name, pid, path, "new"; NULL: the caller's */
	const char *name; /* NULL: the interface's own */
	uint32_t queues; /* 0: as many as the interface has */
	unsigned addr_count, gw_count, fd_count;
	struct ep_addr addrs[EP_OPENER_ADDRS_MAX];
	struct ep_addr gws[EP_OPENER_ADDRS_MAX];
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
	uint64_t sent; /* by its worker, read relaxed */
};

struct ep_tap {
	struct ep_stack st; /* first */
	uint32_t hdr_len; /* constant: EP_VIRTIO_HDR_LEN, or 0: none */
	bool follows_name; /* constant: no name= */
	bool is_offloading; /* constant: offload=on, and there is a header */
	struct ep_netns ns;
	uint32_t ifindex; /* constant */
	bool carrier; /* atomic: as we set it */

	struct ep_mutex conf;
	struct ep_netdev seen EP_GUARDED;
	uint32_t asked_mtu EP_GUARDED;
	uint8_t asked_mac[6] EP_GUARDED;
	bool was_up EP_GUARDED; /* our interface */
	bool is_away EP_GUARDED; /* moved to where we do not see it */
	unsigned gw_count; /* constant */
	struct ep_addr gws[EP_OPENER_ADDRS_MAX]; /* constant */

	struct ep_mutex nl;
	uint32_t nl_serial EP_GUARDED;
	uint64_t dropped EP_GUARDED; /* tx_dropped that was accounted for */
	bool is_running EP_GUARDED; /* the link was, when last looked at */

	struct ep_task follow_task;
	int handed[EP_OPENER_QUEUES_MAX]; /* the device, where it was there */
	unsigned handed_count;
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

/* device.c */

/*
 * Have the kernel leave open what is in caps, or as much of it as it knows.
 * Returns what that is: EPAIR_CAP_CSUM, TSO, USO.
 */
uint32_t ep_tap_set_offload(const struct ep_tap *tap, uint32_t caps);

/* Bring the device in line with the interface: ops->changed. */
void ep_tap_changed(struct ep_stack *st, uint32_t what);

/* Does it listen? One that we do not see is taken to. */
bool ep_tap_is_there(const struct ep_tap *tap) EP_REQUIRES(tap->conf);

/* Look at the device, and follow what was changed inside. */
void ep_tap_follow(struct ep_tap *tap);

/* Handler of the route socket. */
void ep_tap_route(struct ep_watch *watch, uint32_t events);

/* Count what the kernel dropped: ops->refresh. */
void ep_tap_refresh(struct ep_stack *st);

/*
 * The device was not where it was: deleted, and the attachment is lost, or
 * moved to another namespace, and only following it ends.
 */
void ep_tap_missing(struct ep_tap *tap);

#endif /* EP_ATTACH_TAP_TAP_H */
