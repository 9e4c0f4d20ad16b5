#include "network/result.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "network/conf.h"

bool result_address_is_valid(const char *address)
{
	char host[INET6_ADDRSTRLEN];
	const char *slash = strchr(address, '/');
	struct in6_addr binary;
	bool is_v6 = strchr(address, ':');

	if (!slash || slash == address || (size_t)(slash - address) >= sizeof(host))
		return false;
	memcpy(host, address, (size_t)(slash - address));
	host[slash - address] = '\0';
	return inet_pton(is_v6 ? AF_INET6 : AF_INET, host, &binary) == 1 && text_is_digits(slash + 1) &&
	       strlen(slash + 1) <= 3 && atoi(slash + 1) <= (is_v6 ? 128 : 32);
}

/* Before 1.0.0 each address says whether it is "4" or "6"; since then none does. */
static int convert_ips(cJSON *result, const char *version, struct error *err)
{
	bool wants_family = conf_version_before(version, "1.0.0");
	cJSON *ip;

	cJSON_ArrayForEach(ip, cJSON_GetObjectItemCaseSensitive(result, "ips")) {
		const char *address = json_text(ip, "address");

		if (!cJSON_IsObject(ip) || !address || !result_address_is_valid(address))
			return error_set(err, ERROR_FAILED, "the result has an invalid address");
		if (!wants_family)
			cJSON_DeleteItemFromObjectCaseSensitive(ip, "version");
		else if (!json_text(ip, "version") &&
			 !cJSON_AddStringToObject(ip, "version", strchr(address, ':') ? "6" : "4"))
			return error_memory(err);
	}
	return 0;
}

static int convert(cJSON *result, const char *version, struct error *err)
{
	const char *own = json_text(result, "cniVersion");

	if (!cJSON_IsObject(result))
		return error_set(err, ERROR_FAILED, "the result is not a JSON object");
	if (own && *own && !conf_version_known(own))
		return error_set(err, ERROR_FAILED, "the result has cniVersion '%s', which is not supported", own);
	while (cJSON_HasObjectItem(result, "cniVersion"))
		cJSON_DeleteItemFromObject(result, "cniVersion");
	if (!cJSON_AddStringToObject(result, "cniVersion", version))
		return error_memory(err);
	return convert_ips(result, version, err);
}

cJSON *result_parse(const char *bytes, size_t length, const char *version, struct error *err)
{
	cleanup_json cJSON *result = json_parse(bytes, length, "the result", err);

	if (!result || convert(result, version, err) < 0)
		return NULL;
	return steal_pointer(result);
}

cJSON *result_as_version(const cJSON *result, const char *version, struct error *err)
{
	cleanup_json cJSON *copy = cJSON_Duplicate(result, 1);

	if (!copy) {
		error_memory(err);
		return NULL;
	}
	return convert(copy, version, err) < 0 ? NULL : steal_pointer(copy);
}

int result_address(const cJSON *result, char **address, struct error *err)
{
	const cJSON *ips = cJSON_GetObjectItemCaseSensitive(result, "ips");
	const char *first = json_text(cJSON_GetArrayItem(ips, 0), "address");

	*address = NULL;
	if (!first || !result_address_is_valid(first))
		return 0;
	*address = strdup(first);
	return *address ? 0 : error_memory(err);
}
