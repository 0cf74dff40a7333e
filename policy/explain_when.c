// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Times of an image, for people.  Owns nothing.
 */

#include <stdlib.h>

#include "policy/explain.h"
#include "policy/model.h"

static void put_days(struct text *t, unsigned int days)
{
	static const char *const names[] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };
	const char *comma = "";

	for (unsigned int day = 0; day < 7; day++) {
		unsigned int last = day;

		if (!(days >> day & 1))
			continue;
		while (last < 6 && (days >> (last + 1) & 1))
			last++;
		text_printf(t, "%s%s", comma, names[day]);
		if (last > day)
			text_printf(t, "%s%s", last > day + 1 ? "-" : ",", names[last]);
		comma = ",";
		day = last;
	}
}

static void put_window(struct text *t, const struct image_window *w)
{
	unsigned int end = w->end > IMAGE_DAY_MINUTES ? w->end - IMAGE_DAY_MINUTES : w->end;
	unsigned int offset = (unsigned int)abs(w->offset);

	if (w->days != IMAGE_ALL_DAYS) {
		put_days(t, w->days);
		text_char(t, ' ');
	}
	text_printf(t, "%02u:%02u-%02u:%02u", w->start / 60, w->start % 60, end / 60, end % 60);
	if (w->offset)
		text_printf(t, " %c%02u:%02u", w->offset < 0 ? '-' : '+', offset / 60, offset % 60);
	else
		text_puts(t, "Z");
}

void explain_when(struct text *t, const struct policy_image *image, uint32_t grant)
{
	const struct image_grant *g = image_table(image, IMAGE_GRANTS);
	const struct image_when *when = image_table(image, IMAGE_WHENS);
	const struct image_window *window = image_table(image, IMAGE_WINDOWS);
	const char *comma = "";
	char date[WHEN_TEXT];

	if (g[grant].when == IMAGE_NONE)
		return;
	when += g[grant].when;
	window += when->first_window;
	if (when->from != IMAGE_NO_TIME) {
		text_printf(t, "from %s", when_text(when->from, date));
		comma = ", ";
	}
	if (when->until != IMAGE_END_OF_TIME) {
		text_printf(t, "%suntil %s", comma, when_text(when->until, date));
		comma = ", ";
	}
	for (uint32_t i = 0; i < when->n_windows; i++, comma = " or ") {
		text_puts(t, comma);
		put_window(t, &window[i]);
	}
}
