/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/opener_protocol.h - what the library and its opener say to each other.
 *
 * One SOCK_SEQPACKET socket; a request, its answer, and an end behind it, each
 * one datagram of fixed size. Both are of one machine and one build; `version` is there for
 * a library that finds another build's opener. Descriptors go along by
 * SCM_RIGHTS, in the order in which the enum below names them.
 *
 * A request is trusted as little as a file: the opener checks every field,
 * although it serves nobody but the process that started it.
 */
#ifndef EP_ATTACH_OPENER_PROTOCOL_H
#define EP_ATTACH_OPENER_PROTOCOL_H

#include <stdint.h>

#include <epair/err.h>

#include "base/spec.h"

#define EP_OPENER_VERSION    7u
#define EP_OPENER_FD         3 /* the socket, in the opener */
#define EP_OPENER_QUEUES_MAX 64u
#define EP_OPENER_FDS_MAX    (EP_OPENER_QUEUES_MAX + 5u)
#define EP_OPENER_ADDRS_MAX  16u
#define EP_OPENER_NETNS_MAX  1024u
#define EP_OPENER_NAME_MAX   16u

/* The opener gives up on a request after this, the library a little later. */
#define EP_OPENER_TIMEOUT_MS 10000

enum ep_opener_op {
	EP_OPENER_HELLO = 1, /* answer with your version */
	/*
	 * Make a TAP, or look at one handed over (USE_FD), and set it up.
	 * Undone as a whole if any of it fails.
	 */
	EP_OPENER_OPEN_TAP,
	/* Packet sockets for a device that is there, which stays as it is. */
	EP_OPENER_OPEN_PACKET,
	/*
	 * Make a veth, set up its near end as a TAP's device is, and packet
	 * sockets for its far end in a namespace of that end's own.
	 */
	EP_OPENER_OPEN_VETH,
	/* Change a link in the namespace that comes along as descriptor. */
	EP_OPENER_SET_LINK,
	/* Start the keeper of descriptors; its listening socket comes along. */
	EP_OPENER_KEEP,
};

/* Which fields of a request count, and how. */
enum {
	EP_OPENER_MTU = 1u << 0,
	EP_OPENER_MAC = 1u << 1,
	EP_OPENER_NAME = 1u << 2, /* rename to ifname (SET_LINK, AGAIN) */
	EP_OPENER_UP = 1u << 3, /* set it up, then its gateways */
	EP_OPENER_NO_CARRIER = 1u << 4, /* OPEN_*: begin without carrier */
	EP_OPENER_NETNS_FD = 1u << 5, /* the namespace comes as descriptor */
	/* OPEN_TAP: the TAPs do, too; OPEN_PACKET: the sockets, which say it */
	EP_OPENER_USE_FD = 1u << 6,
	EP_OPENER_REUSE = 1u << 7, /* OPEN_TAP: one that stands there will do */
	EP_OPENER_WATCH = 1u << 8, /* OPEN_*: an inotify descriptor comes */
	/*
	 * USE_FD: the device is as it was left, addresses and routes and all.
	 * With a namespace as descriptor and by name, both must be one.
	 */
	EP_OPENER_AGAIN = 1u << 9,
	EP_OPENER_DOWN = 1u << 10, /* SET_LINK: set it down */
	EP_OPENER_DELETE = 1u << 11, /* SET_LINK: delete it, and no more */
};

/*
 * Descriptors of a request: the namespace (NETNS_FD), inotify (WATCH), TAPs
 * (USE_FD).
 */
struct ep_opener_request {
	uint32_t version;
	uint32_t serial; /* comes back in the answer */
	uint32_t op; /* enum ep_opener_op */
	uint32_t flags; /* EP_OPENER_* */
	uint32_t queues; /* 1 .. EP_OPENER_QUEUES_MAX */
	uint32_t mtu;
	uint32_t ifindex; /* SET_LINK: which */
	uint32_t addr_count, gw_count;
	uint8_t mac[6];
	uint8_t pad[2];
	char ifname[EP_OPENER_NAME_MAX];
	char netns[EP_OPENER_NETNS_MAX]; /* name, pid, path, "new" or "" */
	struct ep_addr addrs[EP_OPENER_ADDRS_MAX];
	struct ep_addr gws[EP_OPENER_ADDRS_MAX];
};

/*
 * Behind each answer: by now the opener has closed all that it held for the
 * request. Without it a TAP that failed, or that was closed at once, would
 * linger until the opener's child has come to its end.
 */
struct ep_opener_end {
	uint32_t version;
	uint32_t serial;
};

/* Descriptors of an answer, in this order, each if its bit is in `fds`. */
enum {
	EP_OPENER_FD_NETNS = 1u << 0,
	EP_OPENER_FD_ROUTE = 1u << 1, /* rtnetlink in there, told of links */
	EP_OPENER_FD_PROCESS = 1u << 2, /* a pidfd: the namespace's process */
	/* Two: a veth's far end's namespace, and a route socket in there. */
	EP_OPENER_FD_FAR = 1u << 3,
	EP_OPENER_FD_QUEUES = 1u << 4, /* `queues` of them */
};

struct ep_opener_answer {
	uint32_t version;
	uint32_t serial;
	uint32_t fds; /* EP_OPENER_FD_* */
	uint32_t queues;
	uint32_t ifindex;
	uint32_t far_ifindex; /* OPEN_VETH: in the far end's namespace */
	uint32_t mtu; /* as it is now */
	uint32_t ifflags; /* IFF_* of <linux/if.h>, as they are now */
	uint32_t
	    refused; /* EP_OPENER_MTU, _UP: not ours to set; USE_FD, REUSE */
	int32_t wd; /* of the inotify watch on the folder; -1: none */
	int32_t code; /* 0, or a negated errno with a sentence */
	uint8_t mac[6]; /* as it is now */
	uint8_t pad[2];
	char ifname[EP_OPENER_NAME_MAX];
	char entry[EP_OPENER_NETNS_MAX]; /* in that folder: the namespace */
	char text[EPAIR_ERR_TEXT_MAX];
};

#endif /* EP_ATTACH_OPENER_PROTOCOL_H */
