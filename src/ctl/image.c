/* SPDX-License-Identifier: BSD-2-Clause */
#include "ctl/image.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ctl/codec.h"
#include "ctl/fail.h"

void
ctl_image_key(const struct epair_if_info *info, char *key, size_t size)
{
	(void)snprintf(key, size, "pair/%s/%u", info->home, info->unit);
}

/* Writing. */

static bool
put_text(json_t *object, const char *key, const char *text)
{
	return *text == '\0' || ctl_put(object, key, ctl_text(text));
}

static bool
put_flag(json_t *object, const char *key, bool flag)
{
	return !flag || ctl_put(object, key, json_true());
}

static json_t *
names_json(const struct ctl_kept *kept)
{
	json_t *names = json_array();
	bool is_whole = true;

	for (unsigned i = 0; i < kept->count && is_whole; i++)
		is_whole = ctl_add(names, json_string(kept->fds[i].name));
	return ctl_whole(names, is_whole);
}

static bool
put_kept(json_t *object, const struct ctl_kept *kept)
{
	return kept->count == 0 ||
	       (ctl_put(object, "token", json_string(kept->token)) &&
		   ctl_put(object, "fds", names_json(kept)));
}

/* What follows from the rest is not written: it would only be wrong. */
static void
leave_out(struct epair_if_info *info)
{
	memset(info->peer, 0, sizeof(info->peer));
	memset(info->peer_vnet, 0, sizeof(info->peer_vnet));
	memset(info->attachment, 0, sizeof(info->attachment));
	memset(info->qdisc, 0, sizeof(info->qdisc));
	info->peer_index = 0;
	info->link = 0;
	info->baudrate = 0;
	info->media_current = info->media_active = info->media_status = 0;
	info->queues = 0;
	info->multi_count = 0;
	info->by_vnet = false;
}

json_t *
ctl_image_end(struct epair_if *ifp, json_t *waiting, bool is_handed,
    const struct ctl_kept *kept, struct epair_if_info *info)
{
	char attach[CTL_IMAGE_SPEC_MAX] = "", qdisc[256] = "";
	struct ctl_if bare = { 0 };
	json_t *object;
	bool is_whole;

	*info = (struct epair_if_info){ .size = sizeof(*info) };
	if (epair_if_get_info(ifp, info) != 0)
		return NULL;
	(void)epair_if_get_link(ifp, bare.link, sizeof(bare.link));
	(void)epair_if_get_qdisc(ifp, qdisc, sizeof(qdisc));
	(void)epair_if_get_attachment(ifp, attach, sizeof(attach));
	bare.info = *info;
	leave_out(&bare.info);
	object = ctl_if_encode(&bare);
	is_whole = put_text(object, "discipline", qdisc);
	if (*attach != '\0')
		is_whole &= put_text(object, "attach", attach) &&
			    put_flag(object, "by-vnet", info->by_vnet) &&
			    put_flag(
				object, "handed", is_handed && !info->by_vnet);
	else if (waiting != NULL)
		is_whole &= json_object_update(object, waiting) == 0;
	is_whole &= put_kept(object, kept);
	return ctl_whole(object, is_whole);
}

json_t *
ctl_image_vnet(const struct ctl_vnet *vn, json_t *object)
{
	bool is_whole = true;

	if (vn->kind != NULL)
		is_whole &= ctl_put(object, "kind", ctl_text(vn->kind));
	if (vn->is_owned)
		is_whole &= ctl_put(object, "owner", json_integer(vn->owner));
	if (vn->pairs_max != 0)
		is_whole &= ctl_put(
		    object, "max-pairs", json_integer(vn->pairs_max));
	return ctl_whole(object, is_whole);
}

json_t *
ctl_image_numbers(struct epair *ep)
{
	struct epair_numbers n = { .size = sizeof(n) };

	(void)epair_get_numbers(ep, &n);
	return json_pack("{s:I, s:I, s:I}", "host-id", (json_int_t)n.host_id,
	    "mac-counter", (json_int_t)n.mac_counter, "last-place",
	    (json_int_t)n.last_place);
}

/* Reading. */

static int
take_text(json_t *object, const char *key, char *text, size_t size,
    struct epair_err *err)
{
	json_t *value = json_object_get(object, key);

	*text = '\0';
	if (value == NULL)
		return 0;
	if (!json_is_string(value) || json_string_length(value) >= size)
		return ctl_fail(err, -EINVAL,
		    "%s must be a text of less than %zu octets", key, size);
	(void)snprintf(text, size, "%s", json_string_value(value));
	return 0;
}

void
ctl_image_kept(json_t *end, struct ctl_kept *kept)
{
	const char *token = json_string_value(json_object_get(end, "token"));
	json_t *names = json_object_get(end, "fds");

	memset(kept, 0, sizeof(*kept));
	if (token == NULL || strlen(token) >= sizeof(kept->token))
		return;
	(void)snprintf(kept->token, sizeof(kept->token), "%s", token);
	for (size_t i = 0;
	     i < json_array_size(names) && kept->count < CTL_KEEP_FDS_MAX;
	     i++) {
		const char *text = json_string_value(json_array_get(names, i));
		const char *name = text != NULL ? ctl_kept_name(text) : NULL;

		if (name != NULL)
			kept->fds[kept->count++] = (struct epair_fd){ name,
				-1 };
	}
}

int
ctl_image_read_end(
    json_t *object, struct ctl_image_end *end, struct epair_err *err)
{
	int error = ctl_if_decode(object, &end->ifc, err);

	if (error == 0)
		error = take_text(
		    object, "discipline", end->qdisc, sizeof(end->qdisc), err);
	if (error == 0)
		error = take_text(
		    object, "attach", end->attach, sizeof(end->attach), err);
	end->by_vnet = json_is_true(json_object_get(object, "by-vnet"));
	end->is_handed = json_is_true(json_object_get(object, "handed"));
	ctl_image_kept(object, &end->kept);
	return error;
}

int
ctl_image_read_numbers(
    json_t *object, struct epair_numbers *n, struct epair_err *err)
{
	json_int_t host_id, mac_counter, last_place;

	*n = (struct epair_numbers){ .size = sizeof(*n) };
	if (json_unpack(object, "{s:I, s:I, s:I}", "host-id", &host_id,
		"mac-counter", &mac_counter, "last-place", &last_place) != 0 ||
	    mac_counter < 0 || mac_counter > UINT32_MAX || last_place < 0)
		return ctl_fail(
		    err, -EINVAL, "has no host-id, mac-counter and last-place");
	n->host_id = (uint64_t)host_id;
	n->mac_counter = (uint32_t)mac_counter;
	n->last_place = (uint64_t)last_place;
	return 0;
}

bool
ctl_image_is_by_process(const char *attach)
{
	static const char key[] = "netns=";
	const char *at = strstr(attach, key), *end;

	if (at == NULL || at == attach || (at[-1] != ':' && at[-1] != ','))
		return false;
	at += strlen(key);
	end = at + strspn(at, "0123456789");
	return strncmp(at, "/proc/", 6) == 0 ||
	       strncmp(at, "/dev/fd/", 8) == 0 ||
	       (end != at && (*end == '\0' || *end == ','));
}
