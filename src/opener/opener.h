/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * opener/opener.h - the one process with privilege.
 *
 * It enters network namespaces, makes TAP devices there, sets them up, and
 * hands back descriptors. It moves no frame, listens on nothing, and serves the
 * one process that started it, over the socket at descriptor EP_OPENER_FD.
 *
 *	main.c      a process that takes requests, one at a time, and one that
 *	            begins with another should that die; a child does each, for
 *	            a process that entered a user namespace cannot come back
 *	job.c       what a child does: checks the request, does it, answers
 *	netns.c     finding, entering and making namespaces
 *	tun.c       /dev/net/tun
 *	packet.c    packet sockets
 *	veth.c      a veth, whose far end stays with the mover
 *	keeper.c    starting epair-keeper, which needs no right (ctl/keep.h)
 *	link.c      links, addresses and routes, by rtnetlink
 *
 * Undoing: everything that a child made and did not hand over ends with it,
 * since a TAP vanishes with its last descriptor. Only what it did to a device
 * that was there before is undone by hand.
 *
 * The opener ends when the socket does: when its parent has closed it or died.
 * (No PR_SET_PDEATHSIG for it: that fires when the *thread* ends that started
 * it. Its children, whose parent has one thread, have it.)
 */
#ifndef OPENER_OPENER_H
#define OPENER_OPENER_H

#include <stdbool.h>
#include <stdint.h>

#include "attach/opener_protocol.h"
#include "base/error.h"

/* main.c's side of a request. */
struct job {
	const struct ep_opener_request *req;
	int fds[EP_OPENER_FDS_MAX]; /* that came along */
	unsigned fd_count;
};

/*
 * Do a request, in a process of its own, and send the answer to sock. Returns
 * the process's exit status: 0 when an answer was sent.
 */
int job_run(const struct job *job, int sock);

/* Send an answer with its descriptors. Returns 0 or a negated errno. */
int opener_send(int sock, struct ep_opener_answer *answer, const int *fds,
    unsigned fd_count);

/* A namespace, found. Descriptors are -1 where there is none. */
struct netns {
	int fd;
	int process; /* pidfd of the process that it was named by */
	bool is_own; /* the caller's: nothing to enter */
	char what[300]; /* "namespace red", for sentences */
	int wd; /* of the watch on the folder of its name, or -1 */
	char entry[EP_OPENER_NETNS_MAX]; /* its name in there */
};

/*
 * Find the namespace that `text` names (see epair-attach(7)), or the caller's
 * if it is "". Gives descriptors in *ns. "new" makes one, and enters it. With
 * inotify >= 0, the folder of its name is watched from before it is looked for.
 */
int netns_open(
    const char *text, int inotify, struct netns *ns, struct epair_err *err);

/* The namespace behind a descriptor, which *ns owns from here on. */
void netns_of_fd(int fd, struct netns *ns);

/* One is known by device and inode; its number is used again. */
bool netns_is_same(int fd, int other);

/* Enter it, by way of its user namespace if need be. */
int netns_enter(const struct netns *ns, struct epair_err *err);

/* A TAP device and its queues. */
struct tun {
	int fds[EP_OPENER_QUEUES_MAX];
	unsigned count;
	bool was_there; /* not made by us: its owner may not be us */
	char ifname[EP_OPENER_NAME_MAX];
};

/* Make a TAP with `queues` queues in the namespace we are in. */
int tun_open(const char *ifname, unsigned queues, bool reuse,
    const struct netns *ns, struct tun *tun, struct epair_err *err);

/* Look at TAPs that were handed over. */
int tun_look(
    const int *fds, unsigned count, struct tun *tun, struct epair_err *err);

/*
 * The namespace in which the device is. Gives a descriptor, or -EPERM where we
 * have no rights in it.
 */
int tun_netns(const struct tun *tun);

/* These need no rights beyond having the descriptor. */
int tun_set_mac(const struct tun *tun, const uint8_t *mac);
int tun_get_mac(const struct tun *tun, uint8_t *mac);
int tun_set_carrier(const struct tun *tun, bool carrier);

/*
 * Packet sockets of the namespace we are in, bound to nothing. What was made
 * before one failed ends with us. Returns 0 or a negated errno.
 */
int packet_open(int *fds, unsigned count);

/*
 * The namespace of packet sockets that were handed over: they say it themselves,
 * to somebody with rights there. What another says of it might be where a device
 * of that name is another's. Gives a descriptor, or an error.
 */
int packet_netns(const int *fds, unsigned count, struct epair_err *err);

/*
 * Start epair-keeper, to listen on that socket: a child of the caller's, in a
 * session of its own and without rights. Which program it is is not for the
 * mover to say.
 */
int keeper_start(int sock, struct epair_err *err);

/* The far end of a veth, in a namespace where there is nothing else. */
struct veth {
	int netns;
	int route; /* a route socket in there */
	uint32_t ifindex; /* in there */
	int fds[EP_OPENER_QUEUES_MAX]; /* packet sockets of in there */
	unsigned count; /* of them; 0: there is none */
};

/*
 * Make a veth, its near end, of that name, in the namespace we are in; and be
 * there again. `up`: the far end is.
 */
int veth_open(const char *ifname, const struct netns *ns, unsigned queues,
    bool up, struct veth *veth, struct epair_err *err);

/* rtnetlink in the namespace we are in. */
struct link_state {
	uint32_t ifindex;
	uint32_t mtu;
	uint32_t ifflags;
	uint8_t mac[6];
	char ifname[EP_OPENER_NAME_MAX];
};

struct mnl_socket;

struct link {
	struct mnl_socket *nl;
	uint32_t serial;
	char why[160]; /* the kernel's own words for the last error, or "" */
};

int link_open(struct link *link);
void link_close(struct link *link);

/* All return 0 or a negated errno. */
int link_get(struct link *link, uint32_t ifindex, const char *ifname,
    struct link_state *state);
int link_set_mtu(struct link *link, uint32_t ifindex, uint32_t mtu);
int link_set_mac(struct link *link, uint32_t ifindex, const uint8_t *mac);
int link_set_name(struct link *link, uint32_t ifindex, const char *name);
int link_set_up(struct link *link, uint32_t ifindex, bool up);
int link_delete(struct link *link, uint32_t ifindex);
/* Make one, its peer in another namespace, both down. */
int link_add_veth(struct link *link, const char *ifname, uint32_t mtu,
    const char *peer, int peer_netns);
int link_addr(
    struct link *link, uint32_t ifindex, const struct ep_addr *addr, bool add);
/* A default route; rank tells several of one family apart. */
int link_gateway(struct link *link, uint32_t ifindex, const struct ep_addr *gw,
    uint32_t rank);

/*
 * A device's name is taken: wait a moment for it to come free. Devices outlive
 * a program that was killed, until the kernel has taken its io_uring and its
 * namespaces down. *waited_ms is 0 at first; returns false after
 * LINK_NAME_WAIT_MS in all.
 */
#define LINK_NAME_WAIT_MS 250
bool link_await_name(unsigned *waited_ms);

/*
 * A route socket for the mover, told of changes of links: what it may see needs
 * no rights. Gives a descriptor.
 */
int link_watch_socket(void);

/* "10.0.0.1/24" of an address; without /N if bare. buf of 64. */
const char *addr_text(const struct ep_addr *addr, bool bare, char *buf);

#endif /* OPENER_OPENER_H */
