#include "service/application.h"

#include "base/log.h"
#include "service/svc.h"
#include "store/provider_limits.h"

static void say(const struct work *work, enum log_level level, const char *event,
		const char *provider, enum err e, const struct fail *why)
{
	struct log_line line;

	log_begin(&line, level, event);
	log_slice(&line, "requestId", work->request_id);
	log_text(&line, "provider", provider);
	if (e)
		log_fail(&line, e, why);
	log_end(&line);
}

void application_refused(struct work *work, const char *provider)
{
	struct fail why = {0};
	enum err e =
		provider_limits_pause(work->svc->db, provider, (int64_t)APPLICATION_PAUSE_S * 1000,
				      err_code(ERR_MISCONFIGURED), &why);

	say(work, LOG_ERROR, "provider_misconfigured", provider, e, &why);
}

void application_doubted(const struct work *work, const char *provider, const struct fail *why)
{
	say(work, LOG_ERROR, "provider_misconfigured", provider, ERR_CONFIG, why);
}

void application_accepted(struct work *work, const char *provider)
{
	struct fail why = {0};
	bool was = false;
	enum err e = provider_limits_resume(work->svc->db, provider, err_code(ERR_MISCONFIGURED),
					    &was, &why);

	if (e || was)
		say(work, e ? LOG_ERROR : LOG_INFO, "provider_works_again", provider, e, &why);
}
