/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/afpacket.h - the frames of a Linux device, by packet sockets.
 *
 * For kinds that stand at a device which is not theirs alone: what the device
 * receives is read, and what is written goes out by it. What the machine itself
 * sends by the device is not seen. A frame comes with its metadata where the
 * kernel tells it (virtio.h): its checksum may be open and it may be cut into
 * segments, both ways; and a VLAN tag that the kernel has taken out is put in
 * again.
 *
 * A lane is one socket. With several, the kernel deals the flows to them.
 *
 *	made by the opener, unbound: it takes CAP_NET_RAW to make one, and
 *	nothing to use it
 *	ep_afpacket_open()	lanes see frames from here on
 *	ep_afpacket_close()	whether they were opened or not
 *	read, write		each lane on one thread at a time, reading; and
 *				writing
 *
 * Reading and writing a lane share no state but the socket.
 */
#ifndef EP_ATTACH_AFPACKET_H
#define EP_ATTACH_AFPACKET_H

#include "attach/rxring.h"
#include "base/error.h"
#include "net/ifnet.h"

struct ep_afpacket {
	int fd; /* constant; -1: none. It is closed with the lane */
	uint32_t hdr_len; /* constant: of virtio's header */
	struct ep_rxring ring;
	unsigned batch; /* frames to receive at once */
	uint32_t headers; /* for the reader (vector.h) */
	uint64_t sent; /* frames that were handed on; read relaxed */
};

struct ep_afpacket_conf {
	uint32_t ifindex;
	bool is_promisc; /* frames for other addresses too */
	bool is_offloading; /* frames may be unfinished */
	bool is_shared; /* others have the sockets, too: they get no rings */
};

/*
 * Bind the lanes' sockets, whose fd is set, to a device, all or none. Gives
 * what may be written to them unfinished in *caps: EPAIR_CAP_CSUM, TSO, USO.
 * Returns 0; -ENODEV; -ENETDOWN is none: it is seen when it comes up.
 */
int ep_afpacket_open(struct ep_afpacket *lanes, unsigned count,
    const struct ep_afpacket_conf *conf, uint32_t *caps, struct epair_err *err);

/* Give back what a lane has, its socket too. */
void ep_afpacket_close(struct ep_afpacket *lane);

/*
 * Read what has come, within a budget, and transmit it on ifp.
 * Returns 0; -ENETDOWN, once, when the device has gone down; other errors.
 */
int ep_afpacket_read(struct ep_afpacket *lane, struct epair_if *ifp);

/*
 * Write frames, which are taken. Those that the kernel does not take are
 * dropped for a reason on ifp.
 */
void ep_afpacket_write(struct ep_afpacket *lane, struct epair_if *ifp,
    struct epair_mbuf **ms, unsigned n);

/* Count on ifp what came for the lane and found no room, since the last time. */
void ep_afpacket_count_lost(struct ep_afpacket *lane, struct epair_if *ifp);

#endif /* EP_ATTACH_AFPACKET_H */
