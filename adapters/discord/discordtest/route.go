package discordtest

import (
	"net/url"
	"strings"
)

// route is one call of the API.
type route struct {
	name  string // title in the documentation, in camel case
	verb  string
	path  string // with {} for what varies
	run   func(*Server, *request) error
	open  bool // no Authorization is needed
	token int  // which {} is an interaction's token, -1 for none
	list  bool // the body is a JSON array
	steps []string
}

// routes are the calls that this server knows, in the order in which they are
// looked for.
var routes = listRoutes()

func listRoutes() []*route {
	var all []*route
	add := func(name, verb, path string, run func(*Server, *request) error) *route {
		r := &route{name: name, verb: verb, path: path, run: run, token: -1, steps: strings.Split(path[1:], "/")}
		all = append(all, r)
		return r
	}
	open := func(r *route, token int) { r.open, r.token = true, token }

	open(add("getGateway", "GET", "/gateway", (*Server).getGateway), -1)
	add("getGatewayBot", "GET", "/gateway/bot", (*Server).getGatewayBot)
	add("getCurrentUser", "GET", "/users/@me", (*Server).getCurrentUser)
	add("getCurrentUserGuilds", "GET", "/users/@me/guilds", (*Server).getCurrentUserGuilds)
	add("leaveGuild", "DELETE", "/users/@me/guilds/{}", (*Server).leaveGuild)
	add("createDM", "POST", "/users/@me/channels", (*Server).createDM)
	add("getUser", "GET", "/users/{}", (*Server).getUser)
	add("getCurrentApplication", "GET", "/applications/@me", (*Server).getApplication)
	add("getCurrentBotApplicationInformation", "GET", "/oauth2/applications/@me", (*Server).getApplication)

	add("getChannel", "GET", "/channels/{}", (*Server).getChannel)
	add("modifyChannel", "PATCH", "/channels/{}", (*Server).modifyChannel)
	add("deleteChannel", "DELETE", "/channels/{}", (*Server).deleteChannel)
	add("getChannelMessages", "GET", "/channels/{}/messages", (*Server).getMessages)
	add("createMessage", "POST", "/channels/{}/messages", (*Server).createMessage)
	add("bulkDeleteMessages", "POST", "/channels/{}/messages/bulk-delete", (*Server).bulkDelete)
	add("getChannelMessage", "GET", "/channels/{}/messages/{}", (*Server).getMessage)
	add("editMessage", "PATCH", "/channels/{}/messages/{}", (*Server).editMessage)
	add("deleteMessage", "DELETE", "/channels/{}/messages/{}", (*Server).deleteMessage)
	add("createReaction", "PUT", "/channels/{}/messages/{}/reactions/{}/@me", (*Server).createReaction)
	add("deleteOwnReaction", "DELETE", "/channels/{}/messages/{}/reactions/{}/@me", (*Server).deleteReaction)
	add("pinMessage", "PUT", "/channels/{}/messages/pins/{}", (*Server).pinMessage)
	add("triggerTypingIndicator", "POST", "/channels/{}/typing", (*Server).showTyping)
	add("startThreadFromMessage", "POST", "/channels/{}/messages/{}/threads", (*Server).startThreadFromMessage)
	add("startThread", "POST", "/channels/{}/threads", (*Server).startThread)
	add("joinThread", "PUT", "/channels/{}/thread-members/@me", (*Server).joinThread)
	add("leaveThread", "DELETE", "/channels/{}/thread-members/@me", (*Server).leaveThread)
	add("listPublicArchivedThreads", "GET", "/channels/{}/threads/archived/public", (*Server).listArchivedThreads)

	add("getGuild", "GET", "/guilds/{}", (*Server).getGuild)
	add("getGuildChannels", "GET", "/guilds/{}/channels", (*Server).getGuildChannels)
	add("getGuildRoles", "GET", "/guilds/{}/roles", (*Server).getGuildRoles)
	add("getGuildMember", "GET", "/guilds/{}/members/{}", (*Server).getGuildMember)
	add("listActiveGuildThreads", "GET", "/guilds/{}/threads/active", (*Server).listActiveThreads)

	for _, scope := range []struct{ title, path string }{{"Global", "/applications/{}"}, {"Guild", "/applications/{}/guilds/{}"}} {
		commands, one := scope.path+"/commands", scope.path+"/commands/{}"
		add("get"+scope.title+"ApplicationCommands", "GET", commands, (*Server).getCommands)
		add("create"+scope.title+"ApplicationCommand", "POST", commands, (*Server).createCommand)
		add("bulkOverwrite"+scope.title+"ApplicationCommands", "PUT", commands, (*Server).overwriteCommands).list = true
		add("get"+scope.title+"ApplicationCommand", "GET", one, (*Server).getCommand)
		add("edit"+scope.title+"ApplicationCommand", "PATCH", one, (*Server).editCommand)
		add("delete"+scope.title+"ApplicationCommand", "DELETE", one, (*Server).deleteCommand)
	}

	open(add("createInteractionResponse", "POST", "/interactions/{}/{}/callback", (*Server).createInteractionResponse), 1)
	open(add("getOriginalInteractionResponse", "GET", "/webhooks/{}/{}/messages/@original", (*Server).getOriginal), 1)
	open(add("editOriginalInteractionResponse", "PATCH", "/webhooks/{}/{}/messages/@original", (*Server).editOriginal), 1)
	open(add("deleteOriginalInteractionResponse", "DELETE", "/webhooks/{}/{}/messages/@original", (*Server).deleteOriginal), 1)
	open(add("createFollowupMessage", "POST", "/webhooks/{}/{}", (*Server).createFollowup), 1)
	open(add("getFollowupMessage", "GET", "/webhooks/{}/{}/messages/{}", (*Server).getFollowup), 1)
	open(add("editFollowupMessage", "PATCH", "/webhooks/{}/{}/messages/{}", (*Server).editFollowup), 1)
	open(add("deleteFollowupMessage", "DELETE", "/webhooks/{}/{}/messages/{}", (*Server).deleteFollowup), 1)
	return all
}

// find looks for the route of a call and takes its path apart.
func (rq *request) find(path string) *apiError {
	steps := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for i, step := range steps {
		plain, err := url.PathUnescape(step)
		if err != nil {
			return unknownRoute()
		}
		steps[i] = plain
	}
	refused := unknownRoute()
	for _, r := range routes {
		args, ok := r.match(steps)
		if !ok {
			continue
		}
		if r.verb != rq.http.Method {
			refused = wrongMethod()
			continue
		}
		rq.route, rq.args = r, args
		return rq.checkIDs()
	}
	return refused
}

func (r *route) match(steps []string) (args []string, ok bool) {
	if len(steps) != len(r.steps) {
		return nil, false
	}
	for i, step := range r.steps {
		switch {
		case step != "{}" && step != steps[i], steps[i] == "":
			return nil, false
		case step == "{}":
			if strings.HasPrefix(steps[i], "@") {
				return nil, false
			}
			args = append(args, steps[i])
		}
	}
	return args, true
}

// checkIDs refuses what must be a snowflake and is none.
func (rq *request) checkIDs() *apiError {
	n := 0
	for i, step := range rq.route.steps {
		if step != "{}" {
			continue
		}
		name := map[string]string{"channels": "channel_id", "messages": "message_id", "guilds": "guild_id", "users": "user_id",
			"applications": "application_id", "members": "user_id", "commands": "command_id", "interactions": "interaction_id",
			"webhooks": "webhook_id"}[rq.route.steps[i-1]]
		if _, ok := parseSnowflake(rq.args[n]); name != "" && !ok {
			return invalid(name, "NUMBER_TYPE_COERCE", `Value "`+rq.args[n]+`" is not snowflake.`)
		}
		n++
	}
	return nil
}
