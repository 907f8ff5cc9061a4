-- Asks the auth endpoint about each request. Only 204 with the identity lets a request
-- pass; a refusal goes to the client as it is, and of anything else it gets 503.
-- haproxy.cfg deletes the client's copies of all the headers that are set here.

local socket = assert(os.getenv("AUTH_SOCKET"), "setenv AUTH_SOCKET stands above lua-load")
local identity = { "x-auth-subject", "x-auth-client", "x-auth-pool", "x-auth-scopes" }
local refusals = { [400] = true, [401] = true, [403] = true, [500] = true, [503] = true }
local passed = { "www-authenticate", "retry-after", "cache-control", "content-type", "vary", "x-auth-code" }

-- HAProxy counts the values of a header from 0, and httpclient wants them from 1.
local function values(headers, name)
	local list, found = {}, headers[name]
	if found then
		for i = 0, #found do list[#list + 1] = found[i] end
	end
	return list
end

local function complete(headers)
	for _, name in ipairs(identity) do
		if not headers or not headers[name] then return false end
	end
	return true
end

local function refuse(txn, answer)
	local reply = txn:reply()
	reply:set_status(answer.status)
	for _, name in ipairs(passed) do
		local found = answer.headers and answer.headers[name]
		if found then
			for i = 0, #found do reply:add_header(name, found[i]) end
		end
	end
	reply:set_body(answer.body or "")
	txn:done(reply)
end

core.register_action("auth", { "http-req" }, function(txn)
	local headers = txn.http:req_get_headers()
	local ask = {
		["x-original-method"] = { txn.sf:method() },
		["x-original-uri"] = { txn.sf:pathq() },
		["x-original-host"] = values(headers, "host"),
		["authorization"] = values(headers, "authorization"),
		["host"] = { "auth" },
	}
	local ok, answer = pcall(function()
		return core.httpclient():get{ url = "http://127.0.0.1/", dst = socket, headers = ask, timeout = 5000 }
	end)
	if ok and answer and refusals[answer.status] then
		refuse(txn, answer)
	elseif not ok or not answer or answer.status ~= 204 or not complete(answer.headers) then
		refuse(txn, { status = 503 })
	else
		for _, name in ipairs(identity) do
			local found = answer.headers[name]
			if found[0] ~= "" then txn.http:req_set_header(name, found[0]) end
		end
		txn:set_var("txn.auth", "allowed")
	end
end)
