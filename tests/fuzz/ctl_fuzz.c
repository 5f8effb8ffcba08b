/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What comes through the control socket, either way: lines out of a stream that
 * arrives in pieces, objects out of lines, interfaces and events out of
 * objects. What was understood is written and read again, and must be the same.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "ctl/codec.h"
#include "ctl/codec_if.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
try_if(json_t *object)
{
	struct epair_err err = { 0 };
	struct ctl_if ifc, again;
	json_t *written;

	if (ctl_if_decode(object, &ifc, &err) != 0) {
		EP_ASSERT(err.code == -EINVAL && err.text[0] != '\0');
		return;
	}
	written = ctl_if_encode(&ifc);
	EP_ASSERT(written != NULL);
	EP_ASSERT(ctl_if_decode(written, &again, &err) == 0);
	EP_ASSERT(strcmp(again.info.name, ifc.info.name) == 0);
	EP_ASSERT(again.info.flags == ifc.info.flags);
	EP_ASSERT(again.stats.ipackets == ifc.stats.ipackets);
	EP_ASSERT(memcmp(again.stats.drops, ifc.stats.drops,
		      sizeof(ifc.stats.drops)) == 0);
	EP_ASSERT(memcmp(&again.histograms, &ifc.histograms,
		      sizeof(ifc.histograms)) == 0);
	EP_ASSERT(memcmp(&again.link_stats, &ifc.link_stats,
		      sizeof(ifc.link_stats)) == 0);
	EP_ASSERT(memcmp(again.qdisc_stats.of_class, ifc.qdisc_stats.of_class,
		      sizeof(ifc.qdisc_stats.of_class)) == 0);
	EP_ASSERT(again.qdisc_stats.sent == ifc.qdisc_stats.sent);
	json_decref(written);
}

static void
try_event(json_t *object)
{
	struct epair_event ev, again;
	json_t *written;

	if (ctl_event_decode(object, &ev, NULL) != 0)
		return;
	written = ctl_event_encode(&ev);
	EP_ASSERT(written != NULL);
	EP_ASSERT(ctl_event_decode(written, &again, NULL) == 0);
	EP_ASSERT(again.type == ev.type && again.missing == ev.missing);
	json_decref(written);
}

static void
try_line(const char *line, size_t len)
{
	struct ctl_message msg;
	struct epair_err err = { 0 };
	char *text;
	size_t n = 0;

	if (ctl_message_parse(line, len, &msg, &err) != 0) {
		EP_ASSERT(err.text[0] != '\0');
		text = ctl_line(ctl_refusal(msg.id, CTL_RPC_REQUEST, &err), &n);
		EP_ASSERT(text != NULL && text[n - 1] == '\n');
		EP_ASSERT(memchr(text, '\n', n - 1) == NULL);
		free(text);
		ctl_message_fini(&msg);
		return;
	}
	EP_ASSERT(
	    (msg.method != NULL) != (msg.result != NULL || msg.error != NULL) ||
	    msg.method != NULL);
	EP_ASSERT(msg.fds <= CTL_FDS_MAX);
	if (msg.error != NULL)
		ctl_refusal_read(msg.error, &err);
	if (msg.params != NULL) {
		try_if(msg.params);
		try_event(msg.params);
	}
	ctl_message_fini(&msg);
}

/* The first octet says how much arrives at once. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct ctl_lines lines = { .max = 3000 };
	size_t piece = n > 0 ? data[0] + 1u : 1, room, len;
	const char *line;
	char *at;

	for (size_t i = n > 0; i < n;) {
		if (ctl_lines_room(&lines, &at, &room) != 0)
			break;
		room = room < piece ? room : piece;
		room = room < n - i ? room : n - i;
		memcpy(at, data + i, room);
		ctl_lines_add(&lines, room);
		i += room;
		while (ctl_lines_next(&lines, &line, &len)) {
			EP_ASSERT(len <= lines.max);
			EP_ASSERT(memchr(line, '\n', len) == NULL);
			try_line(line, len);
		}
	}
	ctl_lines_fini(&lines);
	return 0;
}
