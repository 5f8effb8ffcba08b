/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach/pcap/pace.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/spec.h"

/* Nobody waits for longer; and no sum of times overflows. */
#define GAP_MAX_NS (UINT64_C(365) * 86400 * EP_NS_PER_S)

/* As an option of its own would be read; there is one reader of numbers. */
static bool
is_number(const char *text, enum ep_opt_type type, uint64_t max, uint64_t *to)
{
	const struct ep_opt table[] = {
		{ "pace", "N", type, 0, .min = 1, .max = max },
		{ NULL },
	};
	struct ep_spec spec;

	spec.kind = "pace";
	spec.count = 1;
	spec.pairs[0] = (struct ep_spec_pair){ .key = "pace", .value = text };
	return ep_spec_fill(&spec, table, to, NULL) == 0;
}

int
ep_pace_init(struct ep_pace *pace, const char *text, struct epair_err *err)
{
	*pace = (struct ep_pace){ .kind = EP_PACE_RECORDED };
	if (text == NULL || strcmp(text, "recorded") == 0)
		return 0;
	if (strcmp(text, "full") == 0)
		pace->kind = EP_PACE_FULL;
	else if (is_number(text, EP_OPT_RATE, EP_PACE_RATE_MAX, &pace->rate))
		pace->kind = EP_PACE_RATE;
	else if (is_number(text, EP_OPT_TIME, GAP_MAX_NS, &pace->gap_ns))
		pace->kind = EP_PACE_GAP;
	else
		return ep_fail(err, -EINVAL,
		    "pace=%.64s: must be recorded, full, frames a second "
		    "(1000, 10k) or the time between two (1ms)",
		    text);
	return 0;
}

static uint64_t
gap_ns(const struct ep_pace *pace, uint64_t time_ns)
{
	uint64_t gap = 0;

	switch (pace->kind) {
	case EP_PACE_RECORDED:
		if (pace->has_time && time_ns != EP_READER_NO_TIME &&
		    time_ns > pace->time_ns)
			gap = time_ns - pace->time_ns;
		break;
	case EP_PACE_FULL:
		break;
	case EP_PACE_RATE:
		gap = (EP_NS_PER_S + pace->carry) / pace->rate;
		break;
	case EP_PACE_GAP:
		gap = pace->gap_ns;
		break;
	}
	return gap < GAP_MAX_NS ? gap : GAP_MAX_NS;
}

uint64_t
ep_pace_due(const struct ep_pace *pace, uint64_t time_ns, uint64_t now)
{
	uint64_t due;

	if (!pace->has_due || pace->kind == EP_PACE_FULL)
		return now;
	due = pace->due_ns + gap_ns(pace, time_ns);
	return due + EP_PACE_LAG_NS < now ? now : due;
}

void
ep_pace_sent(struct ep_pace *pace, uint64_t time_ns, uint64_t due_ns)
{
	if (pace->kind == EP_PACE_RATE)
		pace->carry = (EP_NS_PER_S + pace->carry) % pace->rate;
	pace->has_due = true;
	pace->due_ns = due_ns;
	if (time_ns != EP_READER_NO_TIME) {
		pace->has_time = true;
		pace->time_ns = time_ns;
	}
}

void
ep_pace_rewind(struct ep_pace *pace)
{
	pace->has_time = false;
}
