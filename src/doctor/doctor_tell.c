#include "doctor/doctor_tell.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"

int doctor_tell(struct doctor *doctor, const struct doctor_subject *subject, struct error *err, const char *format, ...)
{
	cleanup_text struct text message = { 0 };
	cleanup_free char *words = NULL;
	struct doctor_finding finding = { .kind = subject->kind,
					  .container_id = subject->container_id,
					  .subject = subject->subject,
					  .fixed = subject->fate == DOCTOR_FIXED };
	va_list arguments;

	va_start(arguments, format);
	words = text_format_list(format, arguments);
	va_end(arguments);
	if (!words)
		return error_memory(err);
	text_add(&message, words);
	/* A repair that succeeded may have left an error from an earlier try, so the fate decides. */
	if (!finding.fixed && subject->failure && subject->failure->kind != ERROR_NONE)
		text_printf(&message, " (it could not be fixed: %s)", subject->failure->message);
	if (message.failed)
		return error_memory(err);
	finding.message = message.data;
	doctor->summary->found++;
	doctor->summary->fixed += finding.fixed;
	return doctor->each(&finding, doctor->context, err);
}
