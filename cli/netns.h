/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cli/netns.h - network namespaces as attachments name them, by netns=.
 *
 * The library knows names in /run/netns, processes and paths. Containers are
 * known to podman and docker only, which answer whoever may ask them: so it is
 * the tool that asks, and what goes on from there is the file of the namespace,
 * as if it had been written. That is the one that the container's engine keeps,
 * where that is to be seen from here: it is nobody else's later, as the number
 * of a process may be.
 */
#ifndef CLI_NETNS_H
#define CLI_NETNS_H

#include <stdbool.h>

#include <jansson.h>

#define NETNS_TEXT_MAX 512
#define NETNS_PATH_MAX (NETNS_TEXT_MAX + 32)

struct cli;

/*
 * The value of netns= in "tap:netns=red,addr=...", unescaped. Returns whether
 * there is one.
 */
bool netns_find(const char *spec, char value[NETNS_TEXT_MAX]);

/* The file of a namespace, as epair-attach(7) names them. */
void netns_path(const char *netns, char path[NETNS_PATH_MAX]);

/*
 * What to write in the place of a spec whose netns= is the name of a container:
 * *named, to be freed, or NULL where the spec stands as it is. So does one with
 * a name that nobody knows, if that may come to be later, or if there was no
 * engine to be asked.
 * Returns a cli_status, having complained.
 */
int netns_of_container(
    const struct cli *cli, const char *spec, bool is_later, char **named);

/* The same for the spec that is a member of an object, if it is there. */
int netns_in(
    const struct cli *cli, json_t *object, const char *key, bool is_later);

/* The same for what the ends of a pair as in `create` attach. */
int netns_in_pair(const struct cli *cli, json_t *pair, bool is_later);

#endif /* CLI_NETNS_H */
