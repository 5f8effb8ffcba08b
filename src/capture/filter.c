/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/filter.h"

#include <epair/capture.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

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

int
epair_filter_check(const char *filter, struct epair_err *err)
{
	struct ep_filter f;
	int error = ep_filter_init(&f, filter, err);

	if (error == 0)
		ep_filter_fini(&f);
	return error;
}
