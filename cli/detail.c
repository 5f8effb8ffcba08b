/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/detail.h"

#include <string.h>

#include "cli/histogram.h"
#include "cli/show.h"
#include "cli/show_cable.h"

static struct show_cable
cable_of(const struct ctl_if *ifc)
{
	struct show_cable cable = { .link = ifc->link_stats,
		.qdisc = ifc->qdisc_stats };

	memcpy(cable.words, ifc->link, sizeof(cable.words));
	return cable;
}

/* Whether it was asked for. */
static bool
has_detail(const struct ctl_if *ifc)
{
	return ifc->link_stats.size > 0;
}

void
detail_show(struct out *out, const struct ctl_if *ifc)
{
	const struct show_cable cable = cable_of(ifc);

	show_if(out, &ifc->info, &ifc->stats);
	if (has_detail(ifc))
		show_cable(out, &cable);
}

json_t *
detail_json(const struct ctl_if *ifc)
{
	const struct show_cable cable = cable_of(ifc);
	json_t *object = show_if_json(&ifc->info, &ifc->stats);

	if (object == NULL || !has_detail(ifc))
		return object;
	show_cable_json(object, &cable);
	if (json_object_set_new(
		object, "histograms", histogram_json(&ifc->histograms)) == 0)
		return object;
	json_decref(object);
	return NULL;
}
