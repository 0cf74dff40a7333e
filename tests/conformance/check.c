// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Checks of the conformance suite: counts them, and says what failed.
 */

#include <stdarg.h>

#include "tests/conformance/conformance.h"

struct report report;

static void say(const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void say(const char *file, int line, const char *format, ...)
{
	size_t len = strlen(report.text);
	const char *base = strrchr(file, '/');
	va_list ap;
	int n = snprintf(report.text + len, sizeof(report.text) - len,
			 "    %s:%d: ", base ? base + 1 : file, line);

	report.failed++;
	if (n < 0 || (size_t)n >= sizeof(report.text) - len)
		return;
	len += (size_t)n;
	va_start(ap, format);
	n = vsnprintf(report.text + len, sizeof(report.text) - len, format, ap);
	va_end(ap);
	if (n > 0 && (size_t)n + 2 < sizeof(report.text) - len)
		strcat(report.text, "\n");
}

int check_errno(long code)
{
	static const struct {
		long code;
		int error;
	} errors[] = {
#ifdef XM_NO_ACTION
		{ XM_NO_ACTION, EALREADY },
#endif
		{ XM_UNKNOWN_HYPERCALL, ENOSYS },  { XM_INVALID_PARAM, EINVAL },
		{ XM_PERM_ERROR, EPERM },          { XM_INVALID_CONFIG, EDOM },
#ifdef XM_NOT_AVAILABLE
		{ XM_NOT_AVAILABLE, EAGAIN },
#endif
		{ XM_OP_NOT_ALLOWED, EOPNOTSUPP }, { XM_MULTICALL_ERROR, EBADMSG },
	};

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].code == code)
			return errors[i].error;
	return code < 0 ? -1 : 0;
}

bool check_code(const char *file, int line, const char *what, long got, long expected)
{
	int error = errno;

	report.tried++;
	if (got != expected)
		say(file, line, "%s = %ld (%s), not %ld", what, got, strerror(error), expected);
	else if (error != check_errno(got))
		say(file, line, "%s = %ld as it should, but errno is %d", what, got, error);
	else
		return true;
	return false;
}

bool check_either(const char *file, int line, const char *what, long got, long a, long b)
{
	return check_code(file, line, what, got, got == a ? a : b);
}

bool check_number(const char *file, int line, const char *what, long long got, long long expected)
{
	report.tried++;
	if (got == expected)
		return true;
	say(file, line, "%s is %lld, not %lld", what, got, expected);
	return false;
}

bool check_true(const char *file, int line, const char *what, bool holds)
{
	report.tried++;
	if (!holds)
		say(file, line, "not so: %s", what);
	return holds;
}

void check_lacks(const char *what)
{
	snprintf(report.lacks, sizeof(report.lacks), "%s", what);
}
