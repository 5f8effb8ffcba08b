/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cli/config.h - a file of wanted pairs: YAML to JSON, and back.
 *
 * What is read is a tree of mappings and sequences with strings at its leaves:
 * `up: yes` is "yes" and `mtu: 9000` is "9000", as they would be on a command
 * line. Not taken: anchors and aliases, which could make much of little; tags;
 * a key that is there twice; more than one document, or one that is a single
 * word; nesting deeper than CONFIG_DEPTH_MAX.
 */
#ifndef CLI_CONFIG_H
#define CLI_CONFIG_H

#include <stdio.h>

#include <jansson.h>

struct epair_err;

#define CONFIG_DEPTH_MAX 16

/*
 * Read a file of at most a gigabyte. Gives *doc, a new reference; an empty file
 * is an empty mapping. Returns 0; -EINVAL with a sentence that begins with the
 * line; -ENOMEM.
 */
int config_read(FILE *f, json_t **doc, struct epair_err *err);

/* Write doc. Returns 0 or a negated errno. */
int config_write(FILE *f, json_t *doc);

#endif /* CLI_CONFIG_H */
