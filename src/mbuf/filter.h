/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mbuf/filter.h - pcap-filter(7): libpcap's compiler and interpreter.
 *
 * A filter is compiled for Ethernet frames as they are on a wire: VLAN tags
 * inline, no metadata of a kernel. Names of hosts are looked up when it is
 * compiled, so compile only where waiting is allowed.
 */
#ifndef EP_MBUF_FILTER_H
#define EP_MBUF_FILTER_H

#include <pcap/pcap.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <epair/err.h>
#include <epair/mbuf.h>

struct ep_filter {
	struct bpf_program program; /* bf_insns is NULL: passes all */
	char *text; /* as written, or NULL */
};

/*
 * Compile. NULL or "" passes all. Gives *f, to be ended by ep_filter_fini().
 * Returns 0; -EINVAL with libpcap's words; -ENOMEM.
 */
int ep_filter_init(
    struct ep_filter *f, const char *text, struct epair_err *err);

/* End it. */
void ep_filter_fini(struct ep_filter *f);

static inline bool
ep_filter_is_all(const struct ep_filter *f)
{
	return f->program.bf_insns == NULL;
}

/*
 * Does it pass a frame of len octets, of which the first `have` are given? One
 * that looks behind them does not pass it. Any number of threads.
 */
bool ep_filter_pass(const struct ep_filter *f, const uint8_t *octets,
    uint32_t have, uint32_t len);

/* The same for a frame as it would be on a wire; the frame is not changed. */
bool ep_filter_frame(const struct ep_filter *f, struct epair_mbuf *m);

#endif /* EP_MBUF_FILTER_H */
