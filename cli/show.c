/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/show.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/out.h"

#define MAC_TEXT_MAX 18

struct word {
	uint32_t bit;
	const char *word;
};

static const struct word flag_words[] = {
	{ EPAIR_IFF_UP, "UP" },
	{ EPAIR_IFF_BROADCAST, "BROADCAST" },
	{ EPAIR_IFF_DEBUG, "DEBUG" },
	{ EPAIR_IFF_RUNNING, "RUNNING" },
	{ EPAIR_IFF_PROMISC, "PROMISC" },
	{ EPAIR_IFF_ALLMULTI, "ALLMULTI" },
	{ EPAIR_IFF_SIMPLEX, "SIMPLEX" },
	{ EPAIR_IFF_MULTICAST, "MULTICAST" },
	{ EPAIR_IFF_MONITOR, "MONITOR" },
	{ 0 },
};

static const struct word cap_words[] = {
	{ EPAIR_CAP_VLAN_MTU, "VLAN_MTU" },
	{ EPAIR_CAP_CSUM, "TXCSUM" },
	{ EPAIR_CAP_TSO, "TSO" },
	{ EPAIR_CAP_USO, "USO" },
	{ EPAIR_CAP_VLAN_HWTAGGING, "VLAN_HWTAGGING" },
	{ EPAIR_CAP_LINK_FOLLOW, "LINK_FOLLOW" },
	{ 0 },
};

/* Which side of the frame a reason is counted on. */
enum { DROP_tx, DROP_rx };

static const struct {
	const char *word, *sentence;
	int side;
} drops[] = {
#define SHOW_DROP(NAME, word, side, counter, sentence) \
	[EPAIR_DROP_##NAME] = { word, sentence, DROP_##side },
	EPAIR_DROPS(SHOW_DROP)
#undef SHOW_DROP
};

static uint64_t
drop_sum(const struct epair_if_stats *stats, int side)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < EPAIR_DROP_MAX; i++)
		if (drops[i].side == side)
			sum += stats->drops[i];
	return sum;
}

static const char *
mac_text(const uint8_t mac[6], char buf[MAC_TEXT_MAX])
{
	(void)snprintf(buf, MAC_TEXT_MAX, "%02x:%02x:%02x:%02x:%02x:%02x",
	    mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	return buf;
}

/* "8843<UP,BROADCAST,...>" */
static void
print_words(struct out *out, uint32_t value, const struct word *words)
{
	const char *comma = "";

	out_print(out, "%x<", value);
	for (; words->word != NULL; words++)
		if ((value & words->bit) != 0) {
			out_print(out, "%s%s", comma, words->word);
			comma = ",";
		}
	out_print(out, ">");
}

static json_t *
words_json(uint32_t value, const struct word *words)
{
	json_t *list = json_array();

	for (; words->word != NULL; words++)
		if ((value & words->bit) != 0)
			(void)json_array_append_new(
			    list, json_string(words->word));
	return list;
}

static const char *
media_word(uint32_t media)
{
	if ((media & ~(uint32_t)EPAIR_MEDIA_FDX) == EPAIR_MEDIA_10GBASE_T)
		return "10Gbase-T";
	return "none";
}

static void
show_counters(struct out *out, const struct epair_if_stats *s)
{
	out_print(out,
	    "\tRX packets %" PRIu64 " bytes %" PRIu64 " multicast %" PRIu64
	    " errors %" PRIu64 " dropped %" PRIu64 "\n",
	    s->ipackets, s->ibytes, s->imcasts, s->ierrors,
	    drop_sum(s, DROP_rx));
	out_print(out,
	    "\tTX packets %" PRIu64 " bytes %" PRIu64 " multicast %" PRIu64
	    " errors %" PRIu64 " dropped %" PRIu64 "\n",
	    s->opackets, s->obytes, s->omcasts, s->oerrors, s->oqdrops);
	if (s->queued > 0)
		out_print(out, "\tqueued %" PRIu64 "\n", s->queued);
	for (unsigned i = 0; i < EPAIR_DROP_MAX; i++)
		if (s->drops[i] > 0)
			out_print(out, "\t%sdrop %s %" PRIu64 "%s: %s\n",
			    out_colour(out, OUT_RED), drops[i].word,
			    s->drops[i], out_colour(out, OUT_PLAIN),
			    drops[i].sentence);
}

void
show_if(struct out *out, const struct epair_if_info *info,
    const struct epair_if_stats *stats)
{
	char mac[MAC_TEXT_MAX];

	out_print(out, "%s%s%s: flags=", out_colour(out, OUT_BOLD), info->name,
	    out_colour(out, OUT_PLAIN));
	print_words(out, info->flags, flag_words);
	out_print(out, " mtu %" PRIu32 "\n", info->mtu);
	if (info->descr[0] != '\0')
		out_print(out, "\tdescription: %s\n", info->descr);
	if (strcmp(info->vnet, "vnet0") != 0)
		out_print(out, "\tvnet: %s\n", info->vnet);
	out_print(out, "\toptions=");
	print_words(out, info->caps, cap_words);
	out_print(out, "\n\tether %s\n", mac_text(info->mac, mac));
	out_print(out, "\tmedia: Ethernet %s (%s%s)\n",
	    media_word(info->media_current), media_word(info->media_active),
	    (info->media_active & EPAIR_MEDIA_FDX) != 0 ? " <full-duplex>"
							: "");
	out_print(out, "\tstatus: %s\n",
	    info->link == EPAIR_LINK_UP ? "active" : "no carrier");
	out_print(out, "\tgroups: epair\n");
	if (info->attachment[0] != '\0')
		out_print(out, "\tattached: %s\n", info->attachment);
	if (info->qdisc[0] != '\0')
		out_print(out, "\tqdisc: %s\n", info->qdisc);
	if (info->full == EPAIR_FULL_WAIT)
		out_print(
		    out, "\tfull: wait (%" PRIu64 " times)\n", stats->waits);
	show_counters(out, stats);
}

static const char *
operstate(int link)
{
	return link == EPAIR_LINK_UP ? "UP" : "DOWN";
}

static json_t *
drops_json(const struct epair_if_stats *s)
{
	json_t *object = json_object();

	for (unsigned i = 0; i < EPAIR_DROP_MAX; i++)
		if (s->drops[i] > 0)
			(void)json_object_set_new(object, drops[i].word,
			    json_integer((json_int_t)s->drops[i]));
	return object;
}

static json_t *
stats_json(const struct epair_if_stats *s)
{
	return json_pack(
	    "{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:o}", "ipackets",
	    (json_int_t)s->ipackets, "ibytes", (json_int_t)s->ibytes, "imcasts",
	    (json_int_t)s->imcasts, "ierrors", (json_int_t)s->ierrors,
	    "opackets", (json_int_t)s->opackets, "obytes",
	    (json_int_t)s->obytes, "omcasts", (json_int_t)s->omcasts, "oerrors",
	    (json_int_t)s->oerrors, "oqdrops", (json_int_t)s->oqdrops, "queued",
	    (json_int_t)s->queued, "delivered", (json_int_t)s->delivered,
	    "waits", (json_int_t)s->waits, "drops", drops_json(s));
}

static json_t *
stats64_json(const struct epair_if_stats *s)
{
	return json_pack("{s:{s:I,s:I,s:I,s:I,s:I},s:{s:I,s:I,s:I,s:I,s:I}}",
	    "rx", "bytes", (json_int_t)s->ibytes, "packets",
	    (json_int_t)s->ipackets, "errors", (json_int_t)s->ierrors,
	    "dropped", (json_int_t)drop_sum(s, DROP_rx), "multicast",
	    (json_int_t)s->imcasts, "tx", "bytes", (json_int_t)s->obytes,
	    "packets", (json_int_t)s->opackets, "errors",
	    (json_int_t)s->oerrors, "dropped", (json_int_t)s->oqdrops,
	    "multicast", (json_int_t)s->omcasts);
}

json_t *
show_if_json(
    const struct epair_if_info *info, const struct epair_if_stats *stats)
{
	char mac[MAC_TEXT_MAX];
	json_t *object = json_pack(
	    "{s:I,s:s,s:I,s:s,s:o,s:I,s:s,s:s,s:s,s:I,s:s,s:s,s:s}", "ifindex",
	    (json_int_t)info->index, "ifname", info->name, "link_index",
	    (json_int_t)info->peer_index, "link", info->peer, "flags",
	    words_json(info->flags, flag_words), "mtu", (json_int_t)info->mtu,
	    "operstate", operstate(info->link), "group", "epair", "link_type",
	    "ether", "txqlen", (json_int_t)info->queue_limit, "address",
	    mac_text(info->mac, mac), "broadcast", "ff:ff:ff:ff:ff:ff", "vnet",
	    info->vnet);

	if (object == NULL)
		return NULL;
	if (info->descr[0] != '\0')
		(void)json_object_set_new(
		    object, "ifalias", json_string(info->descr));
	if (info->qdisc[0] != '\0')
		(void)json_object_set_new(
		    object, "qdisc", json_string(info->qdisc));
	(void)json_object_set_new(object, "full",
	    json_string(info->full == EPAIR_FULL_WAIT ? "wait" : "drop"));
	(void)json_object_set_new(
	    object, "options", words_json(info->caps, cap_words));
	(void)json_object_set_new(
	    object, "media", json_string(media_word(info->media_current)));
	(void)json_object_set_new(
	    object, "attachment", json_string(info->attachment));
	(void)json_object_set_new(
	    object, "num_rx_queues", json_integer(info->queues));
	(void)json_object_set_new(object, "stats", stats_json(stats));
	(void)json_object_set_new(object, "stats64", stats64_json(stats));
	return object;
}

#define STAMP_MAX 40
#define SIM_S_MAX (365 * 86400L)

/*
 * "2026-11-22T10:00:00.123456", as ip -ts writes it, in local time; simulated
 * time, which begins at 0, is of no zone.
 */
static void
stamp(uint64_t time_ns, char buf[STAMP_MAX])
{
	time_t s = (time_t)(time_ns / 1000000000);
	struct tm tm;
	size_t n;

	if ((s < SIM_S_MAX ? gmtime_r(&s, &tm) : localtime_r(&s, &tm)) == NULL)
		tm = (struct tm){ 0 };
	n = strftime(buf, STAMP_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(
	    buf + n, STAMP_MAX - n, ".%06" PRIu64, time_ns % 1000000000 / 1000);
}

void
show_event(struct out *out, const struct epair_event *ev)
{
	const char *word = epair_event_word(ev->type);
	char when[STAMP_MAX];

	stamp(ev->time_ns, when);
	out_print(out, "%s %s %s", when + sizeof("2026-11-22T") - 1,
	    ev->name[0] != '\0' ? ev->name : ev->vnet, word ? word : "?");
	if (ev->type == EPAIR_EVENT_LINK)
		out_print(
		    out, " %s", ev->link == EPAIR_LINK_UP ? "up" : "down");
	if (ev->type == EPAIR_EVENT_FLAGS) {
		out_print(out, " ");
		print_words(out, ev->flags, flag_words);
	}
	if (ev->type == EPAIR_EVENT_MOVE)
		out_print(out, " %s to %s", ev->old_vnet, ev->vnet);
	if (ev->old_name[0] != '\0')
		out_print(out, " was %s", ev->old_name);
	if (ev->detail[0] != '\0')
		out_print(out, " %s", ev->detail);
	if (ev->missing > 0)
		out_print(out, " (%" PRIu64 " events before it are missing)",
		    ev->missing);
	out_print(out, "\n");
}

json_t *
show_event_json(const struct epair_event *ev)
{
	const char *word = epair_event_word(ev->type);
	char when[STAMP_MAX];
	json_t *object;

	stamp(ev->time_ns, when);
	object = json_pack("{s:s,s:s,s:I,s:s,s:s,s:o,s:s}", "timestamp", when,
	    "event", word ? word : "?", "ifindex", (json_int_t)ev->index,
	    "ifname", ev->name, "vnet", ev->vnet, "flags",
	    words_json(ev->flags, flag_words), "operstate",
	    operstate(ev->link));
	if (object == NULL)
		return NULL;
	if (ev->old_vnet[0] != '\0')
		(void)json_object_set_new(
		    object, "old_vnet", json_string(ev->old_vnet));
	if (ev->old_name[0] != '\0')
		(void)json_object_set_new(
		    object, "old_ifname", json_string(ev->old_name));
	if (ev->detail[0] != '\0')
		(void)json_object_set_new(
		    object, "detail", json_string(ev->detail));
	if (ev->missing > 0)
		(void)json_object_set_new(
		    object, "missing", json_integer((json_int_t)ev->missing));
	return object;
}

void
show_json(struct out *out, json_t *doc)
{
	char *text = doc ? json_dumps(doc, out->is_tty ? JSON_INDENT(2) : 0)
			 : NULL;

	if (text != NULL)
		out_print(out, "%s\n", text);
	else
		out->error = out->error ? out->error : ENOMEM;
	free(text);
	json_decref(doc);
}
