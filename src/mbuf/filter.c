/* SPDX-License-Identifier: BSD-2-Clause */
#include "mbuf/filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "mbuf/flat.h"

/*
 * So much of a frame is made one piece for the filter when it is not. More is
 * looked at only by filters that nobody writes; it is not worth an allocation.
 */
#define FILTER_OCTETS 2048u

#define SNAPLEN  262144
#define OPTIMIZE 1

/* pcap_compile() may be called by several threads since libpcap 1.8 (2016). */
static int
compile(struct ep_filter *f, const char *text, struct epair_err *err)
{
	pcap_t *dead = pcap_open_dead(DLT_EN10MB, SNAPLEN);
	int error = 0;

	if (dead == NULL)
		return ep_fail(err, -ENOMEM, "no memory to compile a filter");
	if (pcap_compile(
		dead, &f->program, text, OPTIMIZE, PCAP_NETMASK_UNKNOWN) != 0)
		error = ep_fail(err, -EINVAL, "filter '%.100s': %s", text,
		    pcap_geterr(dead));
	pcap_close(dead);
	return error;
}

int
ep_filter_init(struct ep_filter *f, const char *text, struct epair_err *err)
{
	int error;

	*f = (struct ep_filter){ 0 };
	if (text == NULL || *text == '\0')
		return 0;
	error = compile(f, text, err);
	if (error != 0)
		return error;
	f->text = strdup(text);
	if (f->text == NULL) {
		pcap_freecode(&f->program);
		return ep_fail(err, -ENOMEM, "no memory to keep a filter");
	}
	return 0;
}

void
ep_filter_fini(struct ep_filter *f)
{
	if (!ep_filter_is_all(f))
		pcap_freecode(&f->program);
	free(f->text);
}

bool
ep_filter_pass(const struct ep_filter *f, const uint8_t *octets, uint32_t have,
    uint32_t len)
{
	return bpf_filter(f->program.bf_insns, octets, len, have) != 0;
}

bool
ep_filter_frame(const struct ep_filter *f, struct epair_mbuf *m)
{
	const uint8_t *octets;
	uint8_t copy[FILTER_OCTETS];
	uint32_t len, have;

	if (ep_filter_is_all(f))
		return true;
	len = have = ep_flat_len(m);
	octets = ep_flat_in_place(m);
	if (octets == NULL) {
		have = len < sizeof(copy) ? len : sizeof(copy);
		ep_flat_copy(m, copy, have);
		octets = copy;
	}
	return ep_filter_pass(f, octets, have, len);
}
