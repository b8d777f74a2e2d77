// Package mask replaces numbers that may not leave a municipality by keyed
// pseudonyms, before a line is written anywhere.
//
// What it finds: マイナンバー (12 digits with their check digit, in half or full
// width, bare or as 4-4-4 with hyphens or spaces, URL-encoded, as JSON escapes,
// in every encoding of internal/charset); 法人番号 when asked to; and patterns
// of the town's own. One random number of 12 digits in ten passes the check, so
// the surroundings decide: a number is left alone when something else explains
// it — it is part of a longer number, a word, a GUID, a decimal; it is a time
// near now; it is round or padded with zeros as counters are; its key names a
// quantity, a piece of hardware or a session. A key that speaks of a My Number
// overrules all that are not certain. In doubt a number is masked: an id that
// was masked by mistake still compares equal, a number that got out cannot be
// called back. The same line is always masked the same way; nothing is learned
// from the lines before, so that nobody can teach it to look away.
//
// Measured on 544,738 lines of public logs (TestOrdinaryLogsAreHardlyEverMasked;
// of Windows, Zeek, loghub and 200 products): 4 were masked, 1 in 136,000: a job's
// id that ends in yymmddHHMMSS, a user named by 12 digits, an anonymised GUID and
// a table of kerning codes. Of 13,200 planted numbers in 26 forms, 44 places and
// 6 encodings none was missed. What it will miss: a number as the value of a key
// named like a session or serial; one glued to capitals (ABC123…) or to letters
// behind it; one that reads as the minute of a day in the last ten years, 6 in a
// million; each only where no word such as 個人番号 or mynumber stands before it.
//
// The pseudonym is *mynumber-bcdfghjkmnpq*: HMAC-SHA-256 with the town's key of
// the digits, 48 bits of it as letters, so that it is never taken for a number;
// without quotes, separators or escapes of JSON, CSV, key=value, XML, syslog and
// URLs (a bare number of JSON gets quotes); and with a first character that no
// byte of CP932 takes for its second half. Equal numbers get equal
// pseudonyms, whatever their width, hyphens or encoding. The key never leaves
// the town: with it anybody could try all 10^11 numbers.
//
// Under pressure: a line costs time linear in its length and at most three
// times its length in memory, which is freed afterwards; nothing blocks, and
// nothing is dropped. A number split by the cut of a line at frame.MaxLine is
// masked as far as it is there. A number split over two lines or datagrams
// cannot be found.
package mask
