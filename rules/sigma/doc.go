// Package sigma turns Sigma rules (https://sigmahq.io, specification 2.1) into
// Mimamori's rule files: one readable YAML each, by mapping tables that are
// data (mappings.yaml). A rule that the language cannot express exactly is
// refused with its reason; nothing is approximated but what DIFFERENCES.md
// lists.
//
//	mimamori rules import --sigma DIR --out rules/sigma [--tests DIR] [--dry-run] [--json]
//
// What comes of what:
//   - A rule is the same condition in our language, behind the condition of its
//     log source, with alerts joined by host and user for an hour. It has
//     Sigma's English texts and says in Japanese that there are no others.
//   - Levels are our severities. Status stable runs as stable; test,
//     experimental and none run as test, whose alerts are counted and shown but
//     give no notice; deprecated is loaded and does not run; unsupported is
//     refused.
//   - A filter is added to the conditions of the rules that it names, and said
//     at their head. It takes events out: those that its condition selects, or,
//     where its condition is only made of nots, those that it does not.
//   - A correlation is a rule of ours with correlate. The rules that it names
//     are its steps or its condition, each behind its own log source, and by
//     themselves drafts unless it says generate: true, as the specification has
//     it. Groups never reach across municipalities.
//   - A placeholder (%Servers% under expand) asks the named list:
//     inList(field, "Servers"), with stars where the value has them around it:
//     inList(field, "*Servers*") is true when the field holds a member. The rule
//     is a draft until the site has filled its lists.
//   - Regression data (--tests) become tests inside the rules.
//
// A site changes an imported rule in overrides/<id>.yaml (see rules.Overrides),
// which no import touches. An import again writes what changed, deletes what
// Sigma dropped, and says which, and what that changes in meaning. It keeps and
// names files that somebody edited, which do not fit the hash in their second
// line any more, and what is overridden. Then it loads the folder and says what
// is in the way of that.
//
// Under pressure it does nothing special: it is a batch tool that reads files
// and writes files. Documents, nesting, values and what they spell out to are
// bounded; what is beyond is refused like any other rule.
package sigma
