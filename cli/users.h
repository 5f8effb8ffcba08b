/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cli/users.h - users by name. The daemon knows them by number: who has which
 * name is the tool's to ask.
 */
#ifndef CLI_USERS_H
#define CLI_USERS_H

#include <stdbool.h>

#include <jansson.h>

/* The number of a user, by name or number. Returns false if there is none. */
bool user_id(const char *text, json_int_t *id);

/* The name of a number, or the number. Returns buf. */
#define USER_NAME_MAX 64
const char *user_name(json_int_t id, char buf[USER_NAME_MAX]);

#endif /* CLI_USERS_H */
