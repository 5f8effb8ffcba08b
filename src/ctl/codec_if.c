/* SPDX-License-Identifier: BSD-2-Clause */
#include "ctl/codec_if.h"

#include <stdbool.h>
#include <string.h>

#include "ctl/codec.h"
#include "ctl/field.h"

static const struct ctl_field info_fields[] = {
	CTL_FIELD(TEXT, epair_if_info, name),
	CTL_FIELD(TEXT, epair_if_info, vnet),
	CTL_FIELD(TEXT, epair_if_info, home),
	CTL_FIELD(TEXT, epair_if_info, peer),
	CTL_FIELD(TEXT, epair_if_info, peer_vnet),
	CTL_FIELD(TEXT, epair_if_info, descr),
	CTL_FIELD(TEXT, epair_if_info, attachment),
	CTL_FIELD(TEXT, epair_if_info, qdisc),
	CTL_FIELD(U32, epair_if_info, index),
	CTL_FIELD(U32, epair_if_info, peer_index),
	CTL_FIELD(U32, epair_if_info, unit),
	CTL_FIELD(LETTER, epair_if_info, side),
	CTL_FIELD(MAC, epair_if_info, mac),
	CTL_FIELD(U16, epair_if_info, fib),
	CTL_FIELD(U32, epair_if_info, mtu),
	CTL_FIELD(U32, epair_if_info, flags),
	CTL_FIELD(U32, epair_if_info, caps),
	CTL_FIELD(U32, epair_if_info, link),
	CTL_FIELD(U64, epair_if_info, baudrate),
	CTL_FIELD(U32, epair_if_info, media_current),
	CTL_FIELD(U32, epair_if_info, media_active),
	CTL_FIELD(U32, epair_if_info, media_status),
	CTL_FIELD(U32, epair_if_info, queues),
	CTL_FIELD(U32, epair_if_info, queue_limit),
	CTL_FIELD(U32, epair_if_info, multi_count),
	CTL_FIELD(U32, epair_if_info, full),
	CTL_FIELD(U32, epair_if_info, mbufs_max),
	CTL_FIELD(U64, epair_if_info, place),
	CTL_FIELD(BOOL, epair_if_info, by_vnet),
	{ NULL },
};

static const struct ctl_field stats_fields[] = {
	CTL_FIELD(U64, epair_if_stats, ipackets),
	CTL_FIELD(U64, epair_if_stats, ibytes),
	CTL_FIELD(U64, epair_if_stats, imcasts),
	CTL_FIELD(U64, epair_if_stats, ierrors),
	CTL_FIELD(U64, epair_if_stats, opackets),
	CTL_FIELD(U64, epair_if_stats, obytes),
	CTL_FIELD(U64, epair_if_stats, omcasts),
	CTL_FIELD(U64, epair_if_stats, oerrors),
	CTL_FIELD(U64, epair_if_stats, oqdrops),
	CTL_FIELD(U64, epair_if_stats, queued),
	CTL_FIELD(U64, epair_if_stats, delivered),
	CTL_FIELD(U64, epair_if_stats, waits),
	{ NULL },
};

static const struct ctl_field event_fields[] = {
	CTL_FIELD(U32, epair_event, index),
	CTL_FIELD(U64, epair_event, time_ns),
	CTL_FIELD(U64, epair_event, missing),
	CTL_FIELD(TEXT, epair_event, vnet),
	CTL_FIELD(TEXT, epair_event, name),
	CTL_FIELD(TEXT, epair_event, old_vnet),
	CTL_FIELD(TEXT, epair_event, old_name),
	CTL_FIELD(U32, epair_event, flags),
	CTL_FIELD(U32, epair_event, link),
	CTL_FIELD(TEXT, epair_event, detail),
	{ NULL },
};

static const struct ctl_field link_fields[] = {
	{ "impairments", CTL_TEXT, offsetof(struct ctl_if, link),
	    EPAIR_LINK_TEXT_MAX },
	{ NULL },
};

static const struct ctl_field histogram_fields[] = {
	CTL_FIELD(U64S, epair_if_histograms, bursts),
	CTL_FIELD(U64, epair_if_histograms, burst_frames),
	CTL_FIELD(U64S, epair_if_histograms, waits),
	CTL_FIELD(U64, epair_if_histograms, wait_ns),
	{ NULL },
};

static const struct ctl_field link_stats_fields[] = {
	CTL_FIELD(U64, epair_link_stats, sent),
	CTL_FIELD(U64, epair_link_stats, duplicated),
	CTL_FIELD(U64, epair_link_stats, corrupted),
	CTL_FIELD(U64, epair_link_stats, reordered),
	CTL_FIELD(U64, epair_link_stats, marked),
	CTL_FIELD(U64, epair_link_stats, dropped),
	CTL_FIELD(U64, epair_link_stats, waiting),
	CTL_FIELD(U64, epair_link_stats, waiting_bytes),
	CTL_FIELD(U64, epair_link_stats, under_way),
	CTL_FIELD(U64, epair_link_stats, under_way_bytes),
	{ NULL },
};

static const struct ctl_field qdisc_stats_fields[] = {
	CTL_FIELD(U64, epair_qdisc_stats, sent),
	CTL_FIELD(U64, epair_qdisc_stats, sent_bytes),
	CTL_FIELD(U64, epair_qdisc_stats, dropped),
	CTL_FIELD(U64, epair_qdisc_stats, marked),
	CTL_FIELD(U64, epair_qdisc_stats, waiting),
	CTL_FIELD(U64, epair_qdisc_stats, waiting_bytes),
	CTL_FIELD(U64, epair_qdisc_stats, delay_ns),
	CTL_FIELD(U64, epair_qdisc_stats, delay_max_ns),
	CTL_FIELD(U64, epair_qdisc_stats, flows),
	CTL_FIELD(U64, epair_qdisc_stats, flows_new),
	CTL_FIELD(U64, epair_qdisc_stats, dropping),
	CTL_FIELD(U64, epair_qdisc_stats, borrowed),
	{ NULL },
};

static const struct ctl_field class_fields[] = {
	CTL_FIELD(U64, epair_qdisc_class, sent),
	CTL_FIELD(U64, epair_qdisc_class, sent_bytes),
	CTL_FIELD(U64, epair_qdisc_class, dropped),
	CTL_FIELD(U64, epair_qdisc_class, waiting),
	CTL_FIELD(U64, epair_qdisc_class, waiting_bytes),
	{ NULL },
};

static json_t *
drops_encode(const struct epair_if_stats *stats)
{
	json_t *drops = json_object();
	bool is_whole = true;

	for (unsigned i = 0; i < EPAIR_DROP_MAX && is_whole; i++)
		is_whole = stats->drops[i] == 0 ||
			   ctl_put(drops, epair_drop_word(i),
			       json_integer((json_int_t)stats->drops[i]));
	return ctl_whole(drops, is_whole);
}

static bool
has_drops(const struct epair_if_stats *stats)
{
	for (unsigned i = 0; i < EPAIR_DROP_MAX; i++)
		if (stats->drops[i] != 0)
			return true;
	return false;
}

static json_t *
stats_encode(const struct epair_if_stats *stats)
{
	json_t *object = ctl_fields_encode(stats_fields, stats);

	return ctl_whole(object,
	    !has_drops(stats) || ctl_put(object, "drops", drops_encode(stats)));
}

/* A reason that this side does not know yet is passed over. */
static int
stats_decode(
    json_t *object, struct epair_if_stats *stats, struct epair_err *err)
{
	int error = ctl_fields_decode(stats_fields, object, stats, err);
	json_t *drops = json_object_get(object, "drops");

	for (unsigned i = 0; i < EPAIR_DROP_MAX; i++)
		stats->drops[i] = (uint64_t)json_integer_value(
		    json_object_get(drops, epair_drop_word(i)));
	return error;
}

static json_t *
classes_encode(const struct epair_qdisc_stats *q)
{
	json_t *list = json_array();
	bool is_whole = true;

	for (unsigned i = 0; i < q->classes && is_whole; i++)
		is_whole = ctl_add(
		    list, ctl_fields_encode(class_fields, &q->of_class[i]));
	return ctl_whole(list, is_whole);
}

static json_t *
qdisc_encode(const struct epair_qdisc_stats *q)
{
	json_t *object = ctl_fields_encode(qdisc_stats_fields, q);

	return ctl_whole(object,
	    q->classes == 0 || ctl_put(object, "classes", classes_encode(q)));
}

/* Classes beyond those that this side knows are passed over. */
static int
qdisc_decode(json_t *object, struct epair_qdisc_stats *q, struct epair_err *err)
{
	int error = ctl_fields_decode(qdisc_stats_fields, object, q, err);
	json_t *classes = json_object_get(object, "classes"), *class;
	size_t i;

	json_array_foreach(classes, i, class)
	{
		if (error != 0 || i == EPAIR_QDISC_CLASSES)
			break;
		error = ctl_fields_decode(
		    class_fields, class, &q->of_class[i], err);
		q->classes++;
	}
	return error;
}

static bool
put_link(json_t *object, const char *link)
{
	return *link == '\0' || strcmp(link, "none") == 0 ||
	       ctl_put(object, "impairments", ctl_text(link));
}

json_t *
ctl_if_encode(const struct ctl_if *ifc)
{
	json_t *object = ctl_fields_encode(info_fields, &ifc->info);
	bool is_whole = put_link(object, ifc->link);

	if (ifc->stats.size > 0)
		is_whole &= ctl_put(object, "stats", stats_encode(&ifc->stats));
	if (ifc->histograms.size > 0)
		is_whole &= ctl_put(object, "histograms",
		    ctl_fields_encode(histogram_fields, &ifc->histograms));
	if (ifc->link_stats.size > 0)
		is_whole &= ctl_put(object, "link_stats",
		    ctl_fields_encode(link_stats_fields, &ifc->link_stats));
	if (ifc->qdisc_stats.size > 0)
		is_whole &= ctl_put(
		    object, "qdisc_stats", qdisc_encode(&ifc->qdisc_stats));
	return ctl_whole(object, is_whole);
}

/* What has been asked for, if it has; its size says so. */
static int
decode_detail(json_t *object, struct ctl_if *ifc, struct epair_err *err)
{
	json_t *histograms = json_object_get(object, "histograms");
	json_t *link = json_object_get(object, "link_stats");
	json_t *qdisc = json_object_get(object, "qdisc_stats");
	int error = 0;

	if (histograms != NULL) {
		ifc->histograms.size = sizeof(ifc->histograms);
		error = ctl_fields_decode(
		    histogram_fields, histograms, &ifc->histograms, err);
	}
	if (error == 0 && link != NULL) {
		ifc->link_stats.size = sizeof(ifc->link_stats);
		error = ctl_fields_decode(
		    link_stats_fields, link, &ifc->link_stats, err);
	}
	if (error == 0 && qdisc != NULL) {
		ifc->qdisc_stats.size = sizeof(ifc->qdisc_stats);
		error = qdisc_decode(qdisc, &ifc->qdisc_stats, err);
	}
	return error;
}

int
ctl_if_decode(json_t *object, struct ctl_if *ifc, struct epair_err *err)
{
	json_t *stats = json_object_get(object, "stats");
	int error;

	*ifc = (struct ctl_if){ .info = { .size = sizeof(ifc->info) } };
	error = ctl_fields_decode(info_fields, object, &ifc->info, err);
	if (error == 0)
		error = ctl_fields_decode(link_fields, object, ifc, err);
	if (error == 0 && stats != NULL) {
		ifc->stats.size = sizeof(ifc->stats);
		error = stats_decode(stats, &ifc->stats, err);
	}
	if (error == 0)
		error = decode_detail(object, ifc, err);
	return error;
}

json_t *
ctl_event_encode(const struct epair_event *ev)
{
	json_t *object = ctl_fields_encode(event_fields, ev);
	const char *word = epair_event_word(ev->type);

	return ctl_whole(
	    object, word == NULL || ctl_put(object, "type", json_string(word)));
}

int
ctl_event_decode(json_t *object, struct epair_event *ev, struct epair_err *err)
{
	const char *word = json_string_value(json_object_get(object, "type"));
	int error;

	*ev = (struct epair_event){ .type = EPAIR_EVENT_MAX };
	error = ctl_fields_decode(event_fields, object, ev, err);
	for (unsigned i = 0; word != NULL && i < EPAIR_EVENT_MAX; i++)
		if (strcmp(word, epair_event_word(i)) == 0)
			ev->type = i;
	return error;
}
