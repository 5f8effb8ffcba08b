/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/lwip/engine.h - what an lwIP stack and the attachment around it say to
 * each other.
 *
 * lwIP keeps all that it knows in static variables: a process that has two
 * stacks needs two lwIPs. So the engine - lwIP without an operating system
 * (NO_SYS), and what there is of services and jobs on top of it, in engine/ - is
 * a shared object of its own, of which every stack loads a copy (copy.h). It
 * calls nothing but struct ep_lwip_host, and has neither thread nor clock of its
 * own: it lives in simulated time as in real time.
 *
 *	state     meaning                                 left by
 *	loaded    its variables are as linked             start
 *	running                                           stop; a failed assertion
 *	failed    lwIP found that it has gone wrong: a    stop
 *	          frame that it should have survived.
 *	          Calls do nothing, and the host is told
 *	stopped   all its memory is given back; only to   -
 *	          be unloaded
 *
 * Locking: none. One call at a time, from any thread; the host's functions are
 * called within them only, and call no function of the engine.
 */
#ifndef EP_ATTACH_LWIP_ENGINE_H
#define EP_ATTACH_LWIP_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/spec.h"

/* lwIP has one IPv4 address for an interface. */
#define EP_LWIP_ADDRS_MAX 5
#define EP_LWIP_GWS_MAX   2
#define EP_LWIP_TELL_MAX  128 /* a sentence, with its NUL */
#define EP_LWIP_MTU_MAX   9000u

enum {
	EP_LWIP_ECHO = 1u << 0, /* TCP and UDP port 7, RFC 862 */
	EP_LWIP_DISCARD = 1u << 1, /* TCP and UDP port 9, RFC 863 */
	EP_LWIP_CHARGEN = 1u << 2, /* TCP and UDP port 19, RFC 864 */
	EP_LWIP_IPERF = 1u << 3, /* TCP port 5001, iperf 2 */
	EP_LWIP_SERVICES = (1u << 4) - 1,
};

struct ep_lwip_conf {
	unsigned addr_count, gw_count;
	struct ep_addr addrs[EP_LWIP_ADDRS_MAX];
	struct ep_addr gws[EP_LWIP_GWS_MAX];
	uint32_t services; /* EP_LWIP_* */
	uint8_t mac[6];
	uint32_t mtu;
	/* Jobs, begun by begin(). A family of 0: none. */
	struct ep_addr ping, send;
	uint64_t ping_count, ping_interval_ns;
	uint32_t send_port;
	uint64_t send_octets;
};

struct ep_lwip_host {
	uint64_t (*now_ns)(void *arg);
	uint64_t (*random)(void *arg);
	/*
	 * Room for a frame of that length, or NULL if there is none; and: it is
	 * filled, transmit it. No call comes between the two.
	 */
	uint8_t *(*frame)(void *arg, uint32_t len);
	void (*transmit)(void *arg);
	/*
	 * May TCP send? If not, its segments stay with it, and writable() is
	 * called when it may.
	 */
	bool (*may_send)(void *arg);
	/* Something that the user should know. */
	void (*tell)(void *arg, const char *sentence);
	/* The engine has failed (assertion `what`) */
	void (*failed)(void *arg, const char *what);
};

struct ep_lwip_report {
	unsigned jobs_left, jobs_failed;
	uint64_t octets_sent, octets_received; /* of TCP, by the job */
};

struct ep_lwip_engine {
	/* Returns whether it runs. host lives as long as the engine. */
	bool (*start)(const struct ep_lwip_conf *conf,
	    const struct ep_lwip_host *host, void *arg);
	void (*stop)(void);
	/*
	 * A frame that arrived: where to put its len octets, or NULL if there
	 * is no memory; and: they are there.
	 */
	uint8_t *(*room)(uint32_t len);
	void (*input)(void);
	/*
	 * Do what is due by the clock. Returns when to be called again, unless
	 * another call moves that: each of them may.
	 */
	uint64_t (*run)(void);
	/* When that is. */
	uint64_t (*next)(void);
	/* The interface has changed. */
	void (*set_mac)(const uint8_t mac[6]);
	void (*set_mtu)(uint32_t mtu);
	void (*set_link)(bool is_up);
	/* TCP may send again. */
	void (*writable)(void);
	/* Begin the jobs. */
	void (*begin)(void);
	void (*report)(struct ep_lwip_report *report);
};

/* The one symbol of the shared object. */
#define EP_LWIP_SYMBOL "ep_lwip_engine"
extern const struct ep_lwip_engine ep_lwip_engine;

#endif /* EP_ATTACH_LWIP_ENGINE_H */
