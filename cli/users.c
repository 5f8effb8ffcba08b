/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/users.h"

#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

bool
user_id(const char *text, json_int_t *id)
{
	const struct passwd *pw = getpwnam(text);
	char *end;

	if (pw != NULL) {
		*id = pw->pw_uid;
		return true;
	}
	if (*text < '0' || *text > '9')
		return false;
	*id = strtoll(text, &end, 10);
	return *end == '\0' && *id < UINT32_MAX;
}

const char *
user_name(json_int_t id, char buf[USER_NAME_MAX])
{
	const struct passwd *pw = getpwuid((uid_t)id);

	if (pw != NULL)
		(void)snprintf(buf, USER_NAME_MAX, "%s", pw->pw_name);
	else
		(void)snprintf(buf, USER_NAME_MAX, "%lld", (long long)id);
	return buf;
}
