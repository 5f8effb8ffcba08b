/* SPDX-License-Identifier: BSD-2-Clause */
#include "ctl/wanted.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ctl/fail.h"
#include "ctl/handed.h"

/* A pair that is wanted, and what there is of it. */
struct want {
	struct ctl_world *w;
	struct ctl_change *c;
	json_t *pair; /* as it is wanted */
	const char *name; /* "epair7" */
	const char *home; /* the vnet that it is made in */
	int maker; /* the step that makes it, or -1: it is there */
	struct epair_if *a; /* of one that is there, or NULL */
	struct epair_err *err;
};

/* One end of it. */
struct end {
	struct want *want;
	char side;
	struct epair_if *ifp; /* or NULL: yet to be made */
	struct epair_if_info info; /* of one that is there */
	struct ctl_handed link; /* for the files of its link */
};

int
ctl_want_value(const char *word, json_t *value, char text[CTL_VALUE_MAX],
    struct epair_err *err)
{
	int n;

	if (json_is_string(value))
		n = snprintf(
		    text, CTL_VALUE_MAX, "%s", json_string_value(value));
	else if (json_is_integer(value))
		n = snprintf(text, CTL_VALUE_MAX, "%lld",
		    (long long)json_integer_value(value));
	else if (json_is_boolean(value))
		n = snprintf(text, CTL_VALUE_MAX, "%s",
		    json_is_true(value) ? "on" : "off");
	else if (json_is_null(value))
		n = 0;
	else
		return ctl_fail(err, -EINVAL,
		    "%.32s: must be a string, an integer, true or false", word);
	if (n >= CTL_VALUE_MAX)
		return ctl_fail(err, -EINVAL,
		    "%.32s: is longer than the %d octets that it may have",
		    word, CTL_VALUE_MAX - 1);
	if (n == 0)
		text[0] = '\0';
	return 0;
}

int
ctl_want_set(struct ctl_change *c, const char *word, const char *text,
    struct ctl_handed *handed, struct epair_err *err)
{
	int error;

	if (strcmp(word, "link") != 0)
		return 0;
	error = ctl_handed_may_link(&c->who, text, handed, err);
	if (error != 0)
		return error;
	c->steps.steps[c->steps.count - 1].handed = *handed;
	*handed = (struct ctl_handed){ 0 };
	return 0;
}

/* A step for an end; the last in the plan, then. */
static int
add(struct end *e, enum ctl_op op, const char *name, const char *value)
{
	struct ctl_step *s = ctl_plan_add(&e->want->c->steps, op, name, value);

	if (s == NULL)
		return ctl_fail(
		    e->want->err, -ENOMEM, "no memory to plan a change");
	if (e->ifp != NULL)
		s->ifp = epair_if_ref(e->ifp);
	s->maker = e->want->maker;
	s->side = e->side;
	return 0;
}

/* Whether this change makes the vnet; those steps come before all others. */
static bool
is_planned(const struct ctl_change *c, const char *vnet)
{
	const struct ctl_step *s = c->steps.steps;

	for (size_t i = 0; i < c->steps.count && s[i].op <= CTL_OP_VNET_SET;
	     i++)
		if (s[i].op == CTL_OP_VNET_ADD && strcmp(s[i].name, vnet) == 0)
			return true;
	return false;
}

/* The vnet that a value names: one that there is, or will be. */
static int
find_vnet(struct want *want, json_t *value, const char **name)
{
	struct ctl_vnet *vn;
	int error;

	*name = json_string_value(value);
	if (value != NULL && *name == NULL)
		return ctl_fail(
		    want->err, -EINVAL, "%s: vnet: must be a name", want->name);
	if (*name != NULL && is_planned(want->c, *name))
		return 0;
	error = ctl_world_find_vnet(
	    want->w, &want->c->who, *name, &vn, want->err);
	if (error == 0)
		*name = vn->name;
	return error;
}

/* Where it is to be. */
static int
want_vnet(struct end *e, json_t *value)
{
	const char *name;
	int error = find_vnet(e->want, value, &name);

	/* A new one begins where its pair is made. */
	if (error != 0 ||
	    strcmp(name, e->ifp != NULL ? e->info.vnet : e->want->home) == 0)
		return error;
	return add(e, CTL_OP_MOVE, NULL, name);
}

/* Takes from handed what it uses. */
static int
attach_to(struct end *e, const char *spec, struct ctl_handed *handed)
{
	struct ctl_plan *plan = &e->want->c->steps;
	char is[CTL_SPEC_MAX] = "";
	int error = 0;

	if (strcmp(spec, "none") == 0)
		spec = "";
	if (e->ifp != NULL)
		(void)epair_if_get_attachment(e->ifp, is, sizeof(is));
	/* What is there already need not be opened again. */
	if (strcmp(spec, is) == 0)
		return 0;
	if (*spec != '\0')
		error = ctl_handed_may(
		    &e->want->c->who, spec, handed, e->want->err);
	if (error == 0 && is[0] != '\0')
		error = add(e, CTL_OP_DETACH, NULL, NULL);
	if (error != 0 || *spec == '\0')
		return error;
	error = add(e, CTL_OP_ATTACH, NULL, spec);
	if (error != 0)
		return error;
	plan->steps[plan->count - 1].handed = *handed;
	*handed = (struct ctl_handed){ 0 };
	return 0;
}

/* `attach`, and the descriptors that `fds` names. */
static int
want_attachment(struct end *e, json_t *of_end)
{
	json_t *value = json_object_get(of_end, "attach");
	json_t *names = json_object_get(of_end, "fds");
	struct ctl_handed handed;
	int error;

	if (value == NULL && names == NULL)
		return 0;
	if (!json_is_string(value))
		return ctl_fail(e->want->err, -EINVAL,
		    "%s.%c: attach: must be a string", e->want->name, e->side);
	error = ctl_change_take_fds(e->want->c, names, &handed, e->want->err);
	if (error == 0)
		error = attach_to(e, json_string_value(value), &handed);
	ctl_handed_fini(&handed);
	return error;
}

static int
want_word(struct end *e, const char *word, json_t *value)
{
	struct epair_err *err = e->want->err;
	char text[CTL_VALUE_MAX], is[CTL_VALUE_MAX];
	int error = ctl_want_value(word, value, text, err), n;

	if (error == 0 && e->ifp != NULL) {
		n = epair_if_get_word(e->ifp, word, is, sizeof(is), err);
		error = n < 0 ? n : 0;
		if (n >= 0 &&
		    !ctl_scratch_differs(&e->want->w->scratch, word, is, text))
			return 0;
	}
	if (error == 0)
		error = add(
		    e, CTL_OP_SET, word, json_is_null(value) ? NULL : text);
	return error != 0 ? error
			  : ctl_want_set(e->want->c, word, text, &e->link, err);
}

static bool
is_one_of(const char *key, const char *const *keys)
{
	while (*keys != NULL && strcmp(*keys, key) != 0)
		keys++;
	return *keys != NULL;
}

enum { OF_PAIR = 1u << 0, OF_END = 1u << 1 };

/* What is said of a pair or an end beside the words of epair_if_set(). */
static const struct member {
	const char *name;
	unsigned of;
	bool is_spoken; /* by people, not only by programs */
} members[] = {
	{ "name", OF_PAIR | OF_END, false }, /* it is a word, too */
	{ "vnet", OF_PAIR | OF_END, true },
	{ "mac-policy", OF_PAIR, true },
	{ "a", OF_PAIR, true },
	{ "b", OF_PAIR, true },
	{ "attach", OF_END, true },
	{ "fds", OF_END, false },
	{ "link-fds", OF_END, false },
};
#define MEMBERS (sizeof(members) / sizeof(members[0]))

static const char *const up_words[] = { "up", "down", NULL };

static const struct member *
find_member(const char *name)
{
	for (const struct member *m = members; m < members + MEMBERS; m++)
		if (strcmp(m->name, name) == 0)
			return m;
	return NULL;
}

static int
unknown(const struct want *want, const char *key, unsigned of)
{
	char known[EPAIR_ERR_TEXT_MAX] = "";
	const char *word;
	size_t len = 0;

	for (const struct member *m = members; m < members + MEMBERS; m++)
		if (m->is_spoken && (m->of & of) != 0)
			len += (size_t)snprintf(
			    known + len, sizeof(known) - len, "%s, ", m->name);
	for (unsigned i = 0;
	     (word = epair_if_word_at(i)) != NULL && len < sizeof(known); i++)
		len += (size_t)snprintf(known + len, sizeof(known) - len,
		    "%s%s", i > 0 ? ", " : "", word);
	return ctl_fail(want->err, -EINVAL,
	    "unknown word '%.16s'; known are %s", key, known);
}

/* Refuse what nobody or the other would have, rather than pass it over. */
static int
check_members(const struct want *want, json_t *object, unsigned of)
{
	char value[CTL_VALUE_MAX];
	const char *key;
	json_t *unused;

	json_object_foreach(object, key, unused)
	{
		const struct member *m = find_member(key);

		if (m == NULL && epair_if_get_word(want->w->scratch.ifp, key,
				     value, sizeof(value), NULL) == -EINVAL)
			return unknown(want, key, of);
		if (m != NULL && (m->of & of) == 0)
			return ctl_fail(want->err, -EINVAL,
			    "%s: %s: is said of %s", want->name, key,
			    of == OF_PAIR ? "an end, a or b"
					  : "the pair, not of an end");
	}
	return 0;
}

/* Whether anything is said of an end. */
static bool
mentions(const struct want *want, json_t *of_end)
{
	const char *word;
	json_t *value;

	if (of_end != NULL)
		return true;
	json_object_foreach(
	    want->pair, word, value) if (find_member(word) == NULL) return true;
	return false;
}

/*
 * Words that an end has of its own and those of both. Setting an interface UP
 * is last: what is attached finds it configured.
 */
static int
want_words(struct end *e, json_t *of_end, bool up)
{
	json_t *from[] = { e->want->pair, of_end }, *value;
	const char *word;
	int error;

	for (int i = 0; i < 2; i++)
		json_object_foreach(from[i], word, value)
		{
			if (find_member(word) != NULL ||
			    is_one_of(word, up_words) != up ||
			    (i == 0 && json_object_get(of_end, word) != NULL))
				continue;
			error = want_word(e, word, value);
			if (error != 0)
				return error;
		}
	return 0;
}

/*
 * Where it is to be, and what it is to be called there. It is renamed before it
 * moves, since its name may be taken there - unless the new one is taken here.
 */
static int
want_place(struct end *e, json_t *of_end)
{
	json_t *vnet = json_object_get(of_end, "vnet");
	json_t *name = json_object_get(of_end, "name");
	const char *here = e->ifp != NULL ? e->info.vnet : e->want->home;
	const char *text = json_string_value(name);
	struct epair_if *other = NULL;
	bool moves_first;
	int error = 0;

	moves_first = vnet != NULL && text != NULL &&
		      epair_if_get(e->want->w->ep, here, text, &other, NULL) ==
			  0;
	epair_if_put(other);
	if (moves_first)
		error = want_vnet(e, vnet);
	if (error == 0 && name != NULL)
		error = want_word(e, "name", name);
	if (error == 0 && vnet != NULL && !moves_first)
		error = want_vnet(e, vnet);
	return error;
}

static int
want_end(struct end *e, json_t *of_end)
{
	int error = check_members(e->want, of_end, OF_END);

	if (error == 0)
		error = ctl_change_take_fds(e->want->c,
		    json_object_get(of_end, "link-fds"), &e->link,
		    e->want->err);
	/* A move takes UP, the discipline and the place away: it is first. */
	if (error == 0)
		error = want_place(e, of_end);
	if (error == 0)
		error = want_words(e, of_end, false);
	if (error == 0)
		error = want_attachment(e, of_end);
	return error != 0 ? error : want_words(e, of_end, true);
}

static int
want_ends(struct want *want)
{
	int error = 0;

	for (char side = 'a'; side <= 'b' && error == 0; side++) {
		json_t *of_end = json_object_get(
		    want->pair, side == 'a' ? "a" : "b");
		struct end e = { want, side, NULL, { .size = sizeof(e.info) },
			{ 0 } };

		if (of_end != NULL && !json_is_object(of_end))
			return ctl_fail(want->err, -EINVAL,
			    "%s: %c: must have members", want->name, side);
		if (want->a != NULL)
			e.ifp = side == 'a' ? epair_if_ref(want->a)
					    : epair_if_peer(want->a);
		if (e.ifp != NULL)
			error = epair_if_get_info(e.ifp, &e.info);
		if (error == 0 && e.ifp != NULL && mentions(want, of_end) &&
		    !ctl_world_may(want->w, &want->c->who, e.info.vnet))
			error = ctl_fail(want->err, -EPERM,
			    "%s.%c: that end is in a vnet that is not yours",
			    want->name, side);
		if (error == 0)
			error = want_end(&e, of_end);
		ctl_handed_fini(&e.link);
		epair_if_put(e.ifp);
	}
	return error;
}

/* The step that makes it. */
static int
want_made(struct want *want)
{
	json_t *policy = json_object_get(want->pair, "mac-policy");
	const char *word = json_string_value(policy);
	struct ctl_step *s;

	if (policy != NULL &&
	    (word == NULL ||
		(strcmp(word, "stable") != 0 && strcmp(word, "original") != 0)))
		return ctl_fail(want->err, -EINVAL,
		    "%s: mac-policy: must be original or stable", want->name);
	want->maker = (int)want->c->steps.count;
	s = ctl_plan_add(
	    &want->c->steps, CTL_OP_CREATE, want->name, want->home);
	if (s == NULL)
		return ctl_fail(
		    want->err, -ENOMEM, "no memory to plan a change");
	if (word != NULL && strcmp(word, "stable") == 0)
		s->mac_policy = EPAIR_MAC_STABLE;
	return 0;
}

int
ctl_want_pair(struct ctl_world *w, struct ctl_change *c, json_t *pair,
    bool is_new, struct epair_err *err)
{
	json_t *name = json_object_get(pair, "name");
	struct want want = { w, c, pair, "epair", NULL, -1, NULL, err };
	int error;

	if (!json_is_object(pair))
		return ctl_fail(err, -EINVAL, "a pair must have members");
	if (name != NULL && !json_is_string(name))
		return ctl_fail(
		    err, -EINVAL, "the name of a pair must be a string");
	if (name != NULL)
		want.name = json_string_value(name);
	else if (!is_new)
		return ctl_fail(err, -EINVAL, "a pair needs a name");
	error = check_members(&want, pair, OF_PAIR);
	if (error == 0)
		error = find_vnet(
		    &want, json_object_get(pair, "vnet"), &want.home);
	if (error != 0)
		return error;
	want.a = ctl_world_pair(w, want.home, want.name);
	if (want.a != NULL && is_new)
		error = ctl_fail(err, -EEXIST, "vnet %s has a pair %s",
		    want.home, want.name);
	else if (want.a == NULL)
		error = want_made(&want);
	if (error == 0)
		error = want_ends(&want);
	epair_if_put(want.a);
	return error;
}

/* Whose it is, and how many pairs it may have; what is not said stays. */
static int
want_owner(struct ctl_step *s, json_t *want, struct epair_err *err)
{
	json_t *owner = json_object_get(want, "owner");
	json_t *pairs = json_object_get(want, "max-pairs");
	json_int_t n;

	if (owner != NULL) {
		n = json_integer_value(owner);
		if (!json_is_integer(owner) || n < 0 || n >= UINT32_MAX)
			return ctl_fail(
			    err, -EINVAL, "owner: must be the id of a user");
		/* Root may do everything anyhow. */
		s->is_owned = n != 0;
		s->owner = (uid_t)n;
	}
	if (pairs != NULL) {
		n = json_integer_value(pairs);
		if (!json_is_integer(pairs) || n < 0 || n > UINT32_MAX)
			return ctl_fail(err, -EINVAL,
			    "max-pairs: must be 0 (no limit) to %u",
			    UINT32_MAX);
		s->pairs_max = (uint32_t)n;
	}
	return 0;
}

/* One that is there: its kind is what it is, the rest can be changed. */
static int
want_vnet_changed(struct ctl_change *c, const struct ctl_vnet *vn, json_t *want,
    struct epair_err *err)
{
	const char *kind = json_string_value(json_object_get(want, "kind"));
	struct ctl_step *s;
	int error;

	if (kind != NULL && strcmp(kind, vn->kind ? vn->kind : "") != 0)
		return ctl_fail(err, -EBUSY,
		    "the kind of vnet %s is %.64s, and cannot be changed",
		    vn->name, vn->kind ? vn->kind : "none");
	s = ctl_plan_add(&c->steps, CTL_OP_VNET_SET, vn->name, NULL);
	if (s == NULL)
		return ctl_fail(err, -ENOMEM, "no memory to plan a change");
	s->is_owned = vn->is_owned;
	s->owner = vn->owner;
	s->pairs_max = vn->pairs_max;
	error = want_owner(s, want, err);
	if (error == 0 && s->is_owned == vn->is_owned &&
	    s->owner == vn->owner && s->pairs_max == vn->pairs_max)
		ctl_plan_drop(&c->steps);
	return error;
}

static const char *const vnet_members[] = { "name", "kind", "owner",
	"max-pairs", NULL };

int
ctl_want_vnet(struct ctl_world *w, struct ctl_change *c, json_t *want,
    bool is_new, struct epair_err *err)
{
	json_t *name = json_object_get(want, "name");
	json_t *kind = json_object_get(want, "kind"), *value;
	const char *key;
	struct ctl_vnet *vn;
	struct ctl_step *s;

	if (!json_is_string(name) || (kind != NULL && !json_is_string(kind)))
		return ctl_fail(err, -EINVAL,
		    "a vnet needs a name; its kind must be a string");
	json_object_foreach(want, key, value)
	{
		if (!is_one_of(key, vnet_members))
			return ctl_fail(err, -EINVAL,
			    "vnet %.32s: unknown member '%.32s'; known are "
			    "name, kind, owner, max-pairs",
			    json_string_value(name), key);
	}
	if (!c->who.is_admin)
		return ctl_fail(err, -EPERM,
		    "only root and the daemon's own user make vnets");
	vn = ctl_world_vnet(w, json_string_value(name));
	if (vn != NULL && is_new)
		return ctl_fail(
		    err, -EEXIST, "there is a vnet %s already", vn->name);
	if (vn != NULL)
		return want_vnet_changed(c, vn, want, err);
	s = ctl_plan_add(&c->steps, CTL_OP_VNET_ADD, json_string_value(name),
	    json_string_value(kind));
	if (s == NULL)
		return ctl_fail(err, -ENOMEM, "no memory to plan a change");
	return want_owner(s, want, err);
}
