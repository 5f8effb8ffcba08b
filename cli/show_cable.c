/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/show_cable.h"

#include <inttypes.h>
#include <string.h>

#include "cli/out.h"

void
show_cable_look(struct show_cable *cable, struct epair_if *ifp)
{
	*cable = (struct show_cable){ .link = { .size = sizeof(cable->link) },
		.qdisc = { .size = sizeof(cable->qdisc) } };
	if (epair_if_get_link(ifp, cable->words, sizeof(cable->words)) < 0)
		cable->words[0] = '\0';
	(void)epair_if_get_link_stats(ifp, &cable->link);
	if (epair_if_get_qdisc_stats(ifp, &cable->qdisc) != 0)
		cable->qdisc.size = 0;
}

static bool
has_link(const struct show_cable *cable)
{
	return cable->words[0] != '\0' && strcmp(cable->words, "none") != 0;
}

static void
show_qdisc(struct out *out, const struct epair_qdisc_stats *q)
{
	out_print(out,
	    "\tqdisc sent %" PRIu64 " bytes %" PRIu64 " dropped %" PRIu64
	    " marked %" PRIu64 " waiting %" PRIu64 " delay %" PRIu64
	    "us max %" PRIu64 "us\n",
	    q->sent, q->sent_bytes, q->dropped, q->marked, q->waiting,
	    q->delay_ns / 1000, q->delay_max_ns / 1000);
	if (q->flows_new > 0)
		out_print(out,
		    "\tqdisc flows %" PRIu64 " new %" PRIu64
		    " dropping %" PRIu64 "\n",
		    q->flows, q->flows_new, q->dropping);
	if (q->borrowed > 0)
		out_print(out, "\tqdisc borrowed %" PRIu64 "\n", q->borrowed);
	for (unsigned i = 0; i < q->classes; i++) {
		const struct epair_qdisc_class *c = &q->of_class[i];

		if (c->sent + c->dropped + c->waiting > 0)
			out_print(out,
			    "\tqdisc class %u sent %" PRIu64 " bytes %" PRIu64
			    " dropped %" PRIu64 " waiting %" PRIu64 "\n",
			    i, c->sent, c->sent_bytes, c->dropped, c->waiting);
	}
}

void
show_cable(struct out *out, const struct show_cable *cable)
{
	const struct epair_link_stats *l = &cable->link;

	if (has_link(cable)) {
		out_print(out, "\tlink: %s\n", cable->words);
		out_print(out,
		    "\tlink sent %" PRIu64 " dropped %" PRIu64
		    " marked %" PRIu64 " duplicated %" PRIu64
		    " corrupted %" PRIu64 " reordered %" PRIu64
		    " waiting %" PRIu64 " under way %" PRIu64 "\n",
		    l->sent, l->dropped, l->marked, l->duplicated, l->corrupted,
		    l->reordered, l->waiting, l->under_way);
	}
	if (cable->qdisc.size != 0)
		show_qdisc(out, &cable->qdisc);
}

static json_t *
classes_json(const struct epair_qdisc_stats *q)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < q->classes; i++) {
		const struct epair_qdisc_class *c = &q->of_class[i];

		(void)json_array_append_new(
		    list, json_pack("{s:I,s:I,s:I,s:I,s:I}", "sent",
			      (json_int_t)c->sent, "sent_bytes",
			      (json_int_t)c->sent_bytes, "dropped",
			      (json_int_t)c->dropped, "waiting",
			      (json_int_t)c->waiting, "waiting_bytes",
			      (json_int_t)c->waiting_bytes));
	}
	return list;
}

static json_t *
qdisc_json(const struct epair_qdisc_stats *q)
{
	return json_pack(
	    "{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:o}", "sent",
	    (json_int_t)q->sent, "sent_bytes", (json_int_t)q->sent_bytes,
	    "dropped", (json_int_t)q->dropped, "marked", (json_int_t)q->marked,
	    "waiting", (json_int_t)q->waiting, "waiting_bytes",
	    (json_int_t)q->waiting_bytes, "delay_ns", (json_int_t)q->delay_ns,
	    "delay_max_ns", (json_int_t)q->delay_max_ns, "flows",
	    (json_int_t)q->flows, "flows_new", (json_int_t)q->flows_new,
	    "dropping", (json_int_t)q->dropping, "borrowed",
	    (json_int_t)q->borrowed, "classes", classes_json(q));
}

void
show_cable_json(json_t *object, const struct show_cable *cable)
{
	const struct epair_link_stats *l = &cable->link;

	if (has_link(cable))
		(void)json_object_set_new(object, "impair",
		    json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}",
			"words", cable->words, "sent", (json_int_t)l->sent,
			"dropped", (json_int_t)l->dropped, "marked",
			(json_int_t)l->marked, "duplicated",
			(json_int_t)l->duplicated, "corrupted",
			(json_int_t)l->corrupted, "reordered",
			(json_int_t)l->reordered, "waiting",
			(json_int_t)l->waiting, "waiting_bytes",
			(json_int_t)l->waiting_bytes, "under_way",
			(json_int_t)l->under_way, "under_way_bytes",
			(json_int_t)l->under_way_bytes));
	if (cable->qdisc.size != 0)
		(void)json_object_set_new(
		    object, "qdisc_stats", qdisc_json(&cable->qdisc));
}
