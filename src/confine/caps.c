/* SPDX-License-Identifier: BSD-2-Clause */
#include "confine/confine_priv.h"

#include <cap-ng.h>
#include <errno.h>
#include <sys/prctl.h>

int
confine_caps(void)
{
	capng_select_t what = CAPNG_SELECT_CAPS;

	/* The bounding set can be lowered only with CAP_SETPCAP. */
	if (capng_get_caps_process() != 0)
		return -EPERM;
	if (capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP) == 1)
		what = CAPNG_SELECT_BOTH;
	capng_clear(CAPNG_SELECT_ALL);
	if (capng_apply(what) != 0)
		return -EPERM;
	/* A service manager gives them to who is not root in this way. */
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 &&
	    errno != EINVAL)
		return -errno;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -errno;
	return 0;
}
