/* SPDX-License-Identifier: BSD-2-Clause */
#include "mbuf/tag.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct ep_tag *
tag_make(uint32_t cookie, uint16_t type, bool persistent, const void *data,
    uint16_t len)
{
	struct ep_tag *tag = malloc(sizeof(*tag) + len);

	if (tag == NULL)
		return NULL;
	*tag = (struct ep_tag){
		.cookie = cookie,
		.type = type,
		.len = len,
		.persistent = persistent,
	};
	if (len > 0)
		memcpy(tag->data, data, len);
	return tag;
}

/* The frame's list of tags, made valid. */
static struct ep_tag **
tags_of(struct epair_mbuf *m)
{
	if (!(m->flags & EPAIR_M_TAGS)) {
		m->tags = NULL;
		m->flags |= EPAIR_M_TAGS;
	}
	return &m->tags;
}

static void
append(struct epair_mbuf *m, struct ep_tag *tag)
{
	struct ep_tag **p = tags_of(m);

	while (*p != NULL)
		p = &(*p)->next;
	*p = tag;
}

int
epair_mbuf_tag_add(struct epair_mbuf *m, uint32_t cookie, uint16_t type,
    bool persistent, const void *data, uint16_t len)
{
	struct ep_tag *tag;

	if (len > EPAIR_TAG_MAX)
		return -EMSGSIZE;
	tag = tag_make(cookie, type, persistent, data, len);
	if (tag == NULL)
		return -ENOMEM;
	append(m, tag);
	return 0;
}

static const struct ep_tag *
tags_first(const struct epair_mbuf *m)
{
	return m->flags & EPAIR_M_TAGS ? m->tags : NULL;
}

const void *
epair_mbuf_tag_find(
    const struct epair_mbuf *m, uint32_t cookie, uint16_t type, uint16_t *len)
{
	const struct ep_tag *tag;

	for (tag = tags_first(m); tag != NULL; tag = tag->next)
		if (tag->cookie == cookie && tag->type == type) {
			if (len != NULL)
				*len = tag->len;
			return tag->data;
		}
	return NULL;
}

unsigned
epair_mbuf_tag_count(const struct epair_mbuf *m)
{
	const struct ep_tag *tag;
	unsigned n = 0;

	for (tag = tags_first(m); tag != NULL; tag = tag->next)
		n++;
	return n;
}

/* Free the tags of a kind: all, or those that do not cross a cable. */
static void
drop_tags(struct epair_mbuf *m, bool persistent_too)
{
	struct ep_tag **p = tags_of(m), *tag;

	while ((tag = *p) != NULL)
		if (!tag->persistent || persistent_too) {
			*p = tag->next;
			free(tag);
		} else {
			p = &tag->next;
		}
	if (m->tags == NULL)
		m->flags &= ~(uint32_t)EPAIR_M_TAGS;
}

void
ep_tags_free(struct epair_mbuf *m)
{
	drop_tags(m, true);
}

void
ep_mbuf_tags_cross(struct epair_mbuf *m)
{
	if (m->flags & EPAIR_M_TAGS)
		drop_tags(m, false);
}

int
ep_mbuf_copy_tags(struct epair_mbuf *to, const struct epair_mbuf *from)
{
	struct ep_tag *copies = NULL, **last = &copies, *tag;
	const struct ep_tag *t;

	for (t = tags_first(from); t != NULL; t = t->next) {
		tag = tag_make(
		    t->cookie, t->type, t->persistent, t->data, t->len);
		if (tag == NULL) {
			while ((tag = copies) != NULL) {
				copies = tag->next;
				free(tag);
			}
			return -ENOMEM;
		}
		*last = tag;
		last = &tag->next;
	}
	if (copies != NULL)
		append(to, copies);
	return 0;
}
