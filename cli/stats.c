/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What interfaces count: stats, and top, which is stats -w with the busiest
 * first.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/ask.h"
#include "cli/cable.h"
#include "cli/cli.h"
#include "cli/detail.h"
#include "cli/histogram.h"
#include "cli/out.h"
#include "cli/show.h"
#include "cli/watch.h"
#include "ctl/codec_if.h"

#define NS_PER_S 1000000000.0

struct stats_opts {
	bool json, watches, daemon;
	const char *vnet;
	uint64_t interval_ns, count;
};

/* The counters of an interface, and how many a second since the last look. */
struct line {
	struct ctl_if now;
	struct epair_if_histograms since; /* the last look */
	double rx_frames, rx_bits, tx_frames, tx_bits, drops;
};

struct look {
	struct line *lines;
	size_t count, size;
	uint64_t time_ns;
};

#define OPT_VNET \
	{ \
		.name = "vnet", .arg = "V", \
		.sentence = "only the interfaces of this vnet", \
		.parse = opt_text, .allowed = "the name of a vnet", \
		.offset = offsetof(struct stats_opts, vnet) \
	}
#define OPT_INTERVAL \
	{ \
		.name = "interval", .letter = 'i', .arg = "S", \
		.sentence = "look every S seconds [1]", .parse = opt_seconds, \
		.min = OPT_NS_PER_S / 10, .max = 3600 * OPT_NS_PER_S, \
		.offset = offsetof(struct stats_opts, interval_ns) \
	}
#define OPT_COUNT \
	{ \
		.name = "count", .letter = 'c', .arg = "N", \
		.sentence = "end after so many looks", .parse = opt_number, \
		.min = 1, .max = UINT64_MAX, \
		.offset = offsetof(struct stats_opts, count) \
	}

static const struct opt stats_opts[] = {
	{ .name = "watch",
	    .letter = 'w',
	    .sentence = "rates, redrawn in place until interrupted",
	    .parse = opt_flag,
	    .offset = offsetof(struct stats_opts, watches) },
	OPT_INTERVAL,
	OPT_COUNT,
	OPT_VNET,
	{ .name = "daemon",
	    .sentence = "what the daemon counts of itself, as JSON",
	    .parse = opt_flag,
	    .offset = offsetof(struct stats_opts, daemon) },
	OPT_JSON(struct stats_opts, json),
	{ NULL },
};

static const struct opt top_opts[] = {
	OPT_INTERVAL,
	OPT_COUNT,
	OPT_VNET,
	OPT_JSON(struct stats_opts, json),
	{ NULL },
};

static int
add_line(struct look *look, json_t *object, struct epair_err *err)
{
	struct line *lines;

	if (look->count == look->size) {
		size_t size = look->size == 0 ? 16 : look->size * 2;

		lines = reallocarray(look->lines, size, sizeof(*lines));
		if (lines == NULL)
			return -ENOMEM;
		look->lines = lines;
		look->size = size;
	}
	look->lines[look->count] = (struct line){ 0 };
	return ctl_if_decode(object, &look->lines[look->count++].now, err);
}

/* All interfaces, or one. Returns a cli_status, having complained. */
static int
look_at(const struct cli *cli, struct ctl_client *c, const char *ifname,
    const char *vnet, struct look *look)
{
	json_t *params = json_pack("{s:b}", "detail", true);
	json_t *page, *object, *more;
	struct epair_err err = { 0 };
	int status = CLI_OK;
	size_t i;

	*look = (struct look){ .time_ns = cable_clock() };
	if (ifname != NULL)
		(void)json_object_set_new(params, "if", json_string(ifname));
	if (vnet != NULL)
		(void)json_object_set_new(params, "vnet", json_string(vnet));
	ask_without(c, "show", params, "detail");
	do {
		status = ask_call(cli, c, "show", json_incref(params), &page);
		if (status != CLI_OK)
			break;
		json_array_foreach(json_object_get(page, "interfaces"), i,
		    object) if (status == CLI_OK &&
				add_line(look, object, &err) != 0)
		    status = cli_fail(cli, "the daemon's answer", &err);
		more = json_incref(json_object_get(page, "more"));
		json_decref(page);
		if (more != NULL)
			(void)json_object_set_new(params, "after", more);
	} while (status == CLI_OK && more != NULL);
	json_decref(params);
	return status;
}

static double
per_s(uint64_t now, uint64_t before, double seconds)
{
	return now >= before && seconds > 0 ? (double)(now - before) / seconds
					    : 0;
}

/* Both are in the order in which interfaces are listed, which rarely changes. */
static const struct line *
find_before(const struct look *before, size_t i, uint32_t index)
{
	if (i < before->count && before->lines[i].now.info.index == index)
		return &before->lines[i];
	for (i = 0; i < before->count; i++)
		if (before->lines[i].now.info.index == index)
			return &before->lines[i];
	return NULL;
}

static void
compute_rates(struct look *now, const struct look *before)
{
	double s = (double)(now->time_ns - before->time_ns) / NS_PER_S;

	for (size_t i = 0; i < now->count; i++) {
		struct line *l = &now->lines[i];
		const struct line *b = find_before(
		    before, i, l->now.info.index);
		const struct epair_if_stats *n = &l->now.stats, *o;

		if (b == NULL)
			continue;
		o = &b->now.stats;
		l->rx_frames = per_s(n->ipackets, o->ipackets, s);
		l->rx_bits = 8 * per_s(n->ibytes, o->ibytes, s);
		l->tx_frames = per_s(n->opackets, o->opackets, s);
		l->tx_bits = 8 * per_s(n->obytes, o->obytes, s);
		l->drops = per_s(cable_drops(n), cable_drops(o), s);
		l->since = histogram_since(
		    &l->now.histograms, &b->now.histograms);
	}
}

static int
busier(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	double dx = x->rx_bits + x->tx_bits + x->drops,
	       dy = y->rx_bits + y->tx_bits + y->drops;

	return dx < dy ? 1 : dx > dy ? -1 : 0;
}

/* "drop queue-full 12" of what was ever dropped. */
static void
print_drops(struct out *out, const struct epair_if_stats *s)
{
	for (unsigned i = 0; i < EPAIR_DROP_MAX; i++)
		if (s->drops[i] > 0)
			out_print(out, "  %s%s %" PRIu64 "%s",
			    out_colour(out, OUT_RED), epair_drop_word(i),
			    s->drops[i], out_colour(out, OUT_PLAIN));
}

static void
print_counters(struct out *out, const struct look *look)
{
	out_print(out, "%-24s %14s %16s %14s %16s  drops\n", "interface",
	    "rx frames", "rx octets", "tx frames", "tx octets");
	for (size_t i = 0; i < look->count; i++) {
		const struct ctl_if *f = &look->lines[i].now;
		char name[2 * EPAIR_NAME_MAX];

		(void)snprintf(
		    name, sizeof(name), "%s/%s", f->info.vnet, f->info.name);
		out_print(out,
		    "%-24s %14" PRIu64 " %16" PRIu64 " %14" PRIu64
		    " %16" PRIu64,
		    name, f->stats.ipackets, f->stats.ibytes, f->stats.opackets,
		    f->stats.obytes);
		print_drops(out, &f->stats);
		out_print(out, "\n");
	}
}

static void
print_rates(struct out *out, const struct look *look, size_t max)
{
	char rates[5][OUT_RATE_MAX];
	char burst[HISTOGRAM_WORD_MAX], wait[HISTOGRAM_WORD_MAX];

	out_print(out, "%-20s %10s %10s %10s %10s %10s %9s %9s\n", "interface",
	    "rx", "", "tx", "", "drops", "burst 99%", "wait 99%");
	for (size_t i = 0; i < look->count && i < max; i++) {
		const struct line *l = &look->lines[i];
		char name[2 * EPAIR_NAME_MAX];

		(void)snprintf(name, sizeof(name), "%s/%s", l->now.info.vnet,
		    l->now.info.name);
		out_print(out, "%-20s %10s %10s %10s %10s %10s %9s %9s", name,
		    out_rate(l->rx_frames, "fps", rates[0]),
		    out_rate(l->rx_bits, "b/s", rates[1]),
		    out_rate(l->tx_frames, "fps", rates[2]),
		    out_rate(l->tx_bits, "b/s", rates[3]),
		    out_rate(l->drops, "fps", rates[4]),
		    histogram_burst(&l->since, burst),
		    histogram_wait(&l->since, wait));
		print_drops(out, &l->now.stats);
		out_print(out, "\n");
	}
	if (look->count > max)
		out_print(out, "... and %zu more\n", look->count - max);
}

static json_t *
rates_json(const struct line *l)
{
	json_t *object = detail_json(&l->now);

	(void)json_object_set_new(object, "rates",
	    json_pack("{s:f,s:f,s:f,s:f,s:f}", "rx_frames", l->rx_frames,
		"rx_bits", l->rx_bits, "tx_frames", l->tx_frames, "tx_bits",
		l->tx_bits, "drops", l->drops));
	return object;
}

static void
print_json(struct out *out, const struct look *look)
{
	json_t *doc = json_array();

	for (size_t i = 0; i < look->count; i++)
		(void)json_array_append_new(doc, rates_json(&look->lines[i]));
	show_json(out, doc);
}

/* Lines that fit beneath the heading. */
static size_t
lines_max(const struct out *out)
{
	struct winsize ws;

	if (!out->is_tty)
		return SIZE_MAX;
	if (ioctl(out->fd, TIOCGWINSZ, &ws) != 0 || ws.ws_row < 4)
		return 20;
	return ws.ws_row - 3u;
}

struct watching {
	const struct cli *cli;
	const struct stats_opts *o;
	const char *ifname;
	bool sorts;
	struct ctl_client c;
	struct out out;
};

/* Sorts a copy: what is looked at next is compared in the daemon's order. */
static int
draw(struct watching *w, const struct look *now)
{
	struct look shown = *now;
	size_t size = now->count * sizeof(now->lines[0]);

	if (w->sorts && now->count > 0) {
		shown.lines = malloc(size);
		if (shown.lines == NULL)
			return -ENOMEM;
		memcpy(shown.lines, now->lines, size);
		qsort(shown.lines, shown.count, sizeof(shown.lines[0]), busier);
	}
	if (w->cli->json) {
		print_json(&w->out, &shown);
	} else {
		/* A line that wraps would push others out: cut it off. */
		if (w->out.is_tty)
			out_print(&w->out, "\033[H\033[J\033[?7l");
		print_rates(&w->out, &shown, lines_max(&w->out));
		if (w->ifname != NULL && shown.count == 1)
			histogram_show(&w->out, &shown.lines[0].since);
		if (w->out.is_tty)
			out_print(&w->out, "\033[?7h");
	}
	if (shown.lines != now->lines)
		free(shown.lines);
	return 0;
}

/* Look again and again until interrupted. */
static int
watch_rates(struct watching *w)
{
	struct pollfd pfd = { .fd = watch_signals(), .events = POLLIN };
	struct look before, now;
	bool is_over = false;
	int status = look_at(w->cli, &w->c, w->ifname, w->o->vnet, &before);

	for (uint64_t n = 0; status == CLI_OK && !is_over &&
			     (w->o->count == 0 || n < w->o->count);
	     n++) {
		if (poll(&pfd, 1, (int)(w->o->interval_ns / 1000000)) != 0)
			break;
		status = look_at(w->cli, &w->c, w->ifname, w->o->vnet, &now);
		if (status == CLI_OK) {
			compute_rates(&now, &before);
			is_over = draw(w, &now) != 0 ||
				  out_drain(&w->out, pfd.fd, 0) != 0;
		}
		free(before.lines);
		before = now;
	}
	free(before.lines);
	(void)close(pfd.fd);
	return status;
}

static int
show_once(struct watching *w)
{
	struct look now;
	int status = look_at(w->cli, &w->c, w->ifname, w->o->vnet, &now);

	if (status == CLI_OK && w->cli->json)
		print_json(&w->out, &now);
	else if (status == CLI_OK)
		print_counters(&w->out, &now);
	if (status == CLI_OK && !w->cli->json && w->ifname != NULL &&
	    now.count == 1)
		histogram_show(&w->out, &now.lines[0].now.histograms);
	free(now.lines);
	return status;
}

static int
show_daemon(const struct cli *cli)
{
	json_t *result;
	struct out out;
	int status = ask(cli, "daemon", NULL, &result);

	if (status != CLI_OK)
		return status;
	out_init(&out, STDOUT_FILENO);
	show_json(&out, result);
	return ask_finish(cli, &out);
}

static int
run(struct cli *cli, const struct verb *self, int argc, char **argv, bool sorts)
{
	struct stats_opts o = { .interval_ns = OPT_NS_PER_S, .watches = sorts };
	struct watching w = { .o = &o, .sorts = sorts };
	int first, status, ended;

	status = ask_begin(cli, self, &o, argc, argv, 0, !sorts, &first);
	if (status != ASK_GO_ON)
		return status;
	w.cli = cli;
	w.ifname = first < argc ? argv[first] : NULL;
	status = o.vnet == NULL ? CLI_OK : ask_either(cli, "--vnet", w.ifname);
	if (status == CLI_OK && o.daemon)
		status = ask_either(cli, "--daemon",
		    o.watches        ? "--watch"
		    : o.vnet != NULL ? "--vnet"
				     : w.ifname);
	if (status != CLI_OK)
		return status;
	if (o.daemon)
		return show_daemon(cli);
	status = ask_open(cli, &w.c);
	if (status != CLI_OK)
		return status;
	out_init(&w.out, STDOUT_FILENO);
	status = o.watches ? watch_rates(&w) : show_once(&w);
	ctl_client_close(&w.c);
	ended = o.watches ? ask_finish_watch(cli, &w.out)
			  : ask_finish(cli, &w.out);
	return status != CLI_OK ? status : ended;
}

static int
stats(struct cli *cli, const struct verb *self, int argc, char **argv)
{
	return run(cli, self, argc, argv, false);
}

static int
top(struct cli *cli, const struct verb *self, int argc, char **argv)
{
	return run(cli, self, argc, argv, true);
}

const struct verb verb_stats = {
	.name = "stats",
	.operands = "[IF]",
	.sentence = "what interfaces counted, or their rates",
	.text = "Shows the counters of an interface, or of all, and what was "
		"dropped for which\nreason; with -w how much a second. Of one "
		"interface: in what bursts it got its\nframes, and how long "
		"they had waited. --daemon shows connections and why they "
		"ended.\n",
	.opts = stats_opts,
	.run = stats,
};

const struct verb verb_top = {
	.name = "top",
	.operands = "",
	.sentence = "the busiest interfaces first",
	.text = "Shows the rates of all interfaces, the busiest first, until "
		"it is interrupted.\n",
	.opts = top_opts,
	.run = top,
};
