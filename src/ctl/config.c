/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The world as what `apply` would take to make it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/codec.h"
#include "ctl/image.h"
#include "ctl/method.h"
#include "ctl/wanted.h"

/* Words that say again what another says, or what cannot be set. */
static bool
is_said_otherwise(const char *word)
{
	return strcmp(word, "down") == 0 || strcmp(word, "name") == 0 ||
	       strcmp(word, "media") == 0;
}

/*
 * "mtu": 9000, "up": true: as one would write it. What would be written back
 * otherwise is a text: a description may be 007.
 */
static json_t *
value_json(const char *value)
{
	long n = strtol(value, NULL, 10);
	char back[32];

	if (strcmp(value, "on") == 0)
		return json_true();
	if (strcmp(value, "off") == 0)
		return json_false();
	(void)snprintf(back, sizeof(back), "%ld", n);
	return strcmp(value, back) == 0 ? json_integer(n) : ctl_text(value);
}

/*
 * The words of an end that are not the default's. The MAC address is always
 * one: it depends on what else was made before.
 */
static bool
put_words(
    const struct ctl_scratch *scratch, struct epair_if *ifp, json_t *object)
{
	char value[CTL_VALUE_MAX];
	const char *word;
	bool is_whole = true;

	for (unsigned i = 0; is_whole && (word = epair_if_word_at(i)) != NULL;
	     i++) {
		if (is_said_otherwise(word) || scratch->defaults[i] == NULL ||
		    epair_if_get_word(ifp, word, value, sizeof(value), NULL) <
			0 ||
		    strcmp(value, scratch->defaults[i]) == 0)
			continue;
		is_whole = ctl_put(object, word, value_json(value));
	}
	return is_whole;
}

static json_t *
end_json(const struct ctl_scratch *scratch, struct epair_if *ifp)
{
	struct epair_if_info info = { .size = sizeof(info) };
	char name[32], spec[CTL_SPEC_MAX];
	json_t *object = json_object();
	bool is_whole = true;

	/* Only this thread destroys pairs: it is there. */
	(void)epair_if_get_info(ifp, &info);
	if (strcmp(info.vnet, info.home) != 0)
		is_whole &= ctl_put(object, "vnet", ctl_text(info.vnet));
	(void)snprintf(name, sizeof(name), "epair%u%c", info.unit, info.side);
	if (strcmp(info.name, name) != 0)
		is_whole &= ctl_put(object, "name", ctl_text(info.name));
	is_whole &= put_words(scratch, ifp, object);
	/* What its vnet gives it, it gets without being asked. */
	if (!info.by_vnet &&
	    epair_if_get_attachment(ifp, spec, sizeof(spec)) > 0)
		is_whole &= ctl_put(object, "attach", ctl_text(spec));
	return ctl_whole(object, is_whole);
}

static json_t *
pair_json(
    const struct ctl_scratch *scratch, const char *key, struct epair_if *a)
{
	const char *slash = strchr(key, '/');
	struct epair_if *b = epair_if_peer(a);
	json_t *object = json_pack("{s:s}", "name", slash + 1);
	bool is_whole = true;

	if (strncmp(key, "vnet0/", 6) != 0)
		is_whole &= ctl_put(
		    object, "vnet", json_stringn(key, (size_t)(slash - key)));
	is_whole &= ctl_put(object, "a", end_json(scratch, a));
	is_whole &= ctl_put(object, "b", end_json(scratch, b));
	epair_if_put(b);
	return ctl_whole(object, is_whole);
}

static bool
may_home(const struct ctl_world *w, const struct ctl_who *who, const char *key)
{
	char home[EPAIR_NAME_MAX];

	(void)snprintf(home, sizeof(home), "%.*s", (int)strcspn(key, "/"), key);
	return ctl_world_may(w, who, home);
}

static json_t *
pairs_json(const struct ctl_world *w, const struct ctl_who *who)
{
	json_t *list = json_array(), *index;
	struct epair_if *a;
	const char *key;
	bool is_whole = true;

	json_object_foreach(w->pairs, key, index)
	{
		if (!is_whole || !may_home(w, who, key) ||
		    epair_if_get_index(
			w->ep, (uint32_t)json_integer_value(index), &a) != 0)
			continue;
		is_whole = ctl_add(list, pair_json(&w->scratch, key, a));
		epair_if_put(a);
	}
	return ctl_whole(list, is_whole);
}

static json_t *
vnets_json(const struct ctl_world *w, const struct ctl_who *who)
{
	json_t *list = json_array();
	const struct ctl_vnet *vn;
	bool is_whole = true;

	TAILQ_FOREACH(vn, &w->vnets, link)
		if (is_whole && strcmp(vn->name, "vnet0") != 0 &&
		    ctl_vnet_may(vn, who))
			is_whole = ctl_add(
			    list, ctl_image_vnet(vn,
				      json_pack("{s:s}", "name", vn->name)));
	return ctl_whole(list, is_whole);
}

int
ctl_do_config(struct ctl_request *rq, json_t **result, struct epair_err *err)
{
	const struct ctl_world *w = rq->conn->server->world;

	return ctl_give(result,
	    json_pack("{s:o,s:o}", "vnets", vnets_json(w, &rq->conn->who),
		"pairs", pairs_json(w, &rq->conn->who)),
	    err);
}
