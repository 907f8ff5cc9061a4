package corpus

import (
	"strings"
	"time"
)

const (
	expRule  = "RFC 7519, 4.1.4"
	nbfRule  = "RFC 7519, 4.1.5"
	iatRule  = "RFC 7519, 4.1.6"
	dateRule = "RFC 7519, 2"
	aDay     = 86400
)

func expiring(exp string) recipe { return access().claim("exp", exp) }

// The leeway is 30 s where nothing is said, so a token is good until 30 s after
// its exp.
func expiry() []row {
	return []row{
		tok("exp an hour past is expired", "C29", expRule, expiring(at(-3600)), reject("token_expired")),
		tok("exp 31 s past is expired", "C29", expRule, expiring(at(-31)), reject("token_expired")),
		tok("exp exactly the leeway past is expired", "C30", expRule, expiring(at(-30)), reject("token_expired")),
		tok("exp exactly the leeway past is expired by the clock", "C30", expRule, access(), reject("token_expired")).at(3329 * time.Second),
		tok("exp a nanosecond less than the leeway past is accepted", "C30", expRule, access(), accept).at(3329*time.Second - time.Nanosecond),
		tok("exp a nanosecond more than the leeway past is expired", "C30", expRule, access(), reject("token_expired")).at(3329*time.Second + time.Nanosecond),
		tok("exp now is expired under a leeway of one nanosecond, a nanosecond on", "C30", expRule, expiring(at(0)), reject("token_expired")).in("leeway 1ns").at(time.Nanosecond),
		tok("exp now is accepted under a leeway of one nanosecond", "C30", expRule, expiring(at(0)), accept).in("leeway 1ns"),
		tok("exp a second past is expired under a leeway of one nanosecond", "C30", expRule, expiring(at(-1)), reject("token_expired")).in("leeway 1ns"),
		tok("exp now is accepted within the leeway", "C38", expRule, expiring(at(0)), accept),
		tok("exp 29 s past is accepted within the leeway", "C38", expRule, expiring(at(-29)), accept),
		tok("exp 299 s past is accepted within a leeway of 5 min", "C38", expRule, expiring(at(-299)), accept).in("leeway 5m"),
		tok("exp 300 s past is expired at a leeway of 5 min", "C38", expRule, expiring(at(-300)), reject("token_expired")).in("leeway 5m"),
		tok("exp missing is refused", "C31", verifyPage, access().without("exp"), reject("expiry_missing")),
		tok("exp missing on an ID token is refused", "C31", verifyPage, identity().without("exp"), reject("expiry_missing")).in("id"),
		tok("exp missing on a machine token is refused", "C31", verifyPage, machine().without("exp"), reject("expiry_missing")),
		tok("exp of an ID token an hour past is expired", "C29", expRule, identity().claim("exp", at(-3600)), reject("token_expired")).in("id"),
		tok("exp of a machine token an hour past is expired", "C29", expRule, machine().claim("exp", at(-3600)), reject("token_expired")),

		tok("exp with a fraction is accepted", "C33", dateRule, expiring(at(3299)+".5"), accept).want(Want{Expiry: new(int64(clock + 3299))}),
		tok("exp with a fraction of zeros is accepted", "C33", dateRule, expiring(at(3299)+".000"), accept).want(Want{Expiry: new(int64(clock + 3299))}),
		tok("exp with an exponent is accepted", "C33", dateRule, expiring("1.772369699e9"), accept).want(Want{Expiry: new(int64(1772369699))}),
		tok("exp with a capital exponent and its sign is accepted", "C33", dateRule, expiring("177236969.9E+1"), accept).want(Want{Expiry: new(int64(1772369699))}),
		tok("exp with a negative exponent is accepted", "C33", dateRule, expiring("1772369699000e-3"), accept).want(Want{Expiry: new(int64(1772369699))}),
		tok("fraction of exp does not lengthen a token", "C33", dateRule, expiring(at(-30)+".9"), reject("token_expired")),
		tok("fraction of exp just under a second does not lengthen a token", "C33", dateRule, expiring(at(-30)+".9999999"), reject("token_expired")),
		tok("fraction of exp finer than a double does not lengthen a token", "C33", dateRule, expiring(at(-30)+".99999999999"), reject("token_expired")),
		tok("fraction of exp does not shorten a token by more than itself", "C33", dateRule, expiring(at(-29)+".1"), accept),

		tok("exp 1e400 is malformed", "C34", numbersRFC, expiring("1e400"), reject("claims_malformed")),
		tok("exp -1e400 is malformed", "C34", numbersRFC, expiring("-1e400"), reject("claims_malformed")),
		tok("exp 1e300 is malformed", "C35", numbersRFC, expiring("1e300"), reject("claims_malformed")),
		tok("exp -1e300 is malformed", "C35", numbersRFC, expiring("-1e300"), reject("claims_malformed")),
		tok("exp 1e18 is malformed", "C35", numbersRFC, expiring("1e18"), reject("claims_malformed")),
		tok("exp 2^63-1 is malformed", "C35", numbersRFC, expiring("9223372036854775807"), reject("claims_malformed")),
		tok("exp 2^63 is malformed", "C35", numbersRFC, expiring("9223372036854775808"), reject("claims_malformed")),
		tok("exp 2^64 plus a good one is malformed", "C35", numbersRFC, expiring("18446744075481921315"), reject("claims_malformed")),
		tok("exp of 5000 digits is malformed", "C34", numbersRFC, expiring(strings.Repeat("12345", 1000)), reject("claims_malformed")),
		tok("exp 2^53+1 is malformed", "C35", numbersRFC, expiring("9007199254740993"), reject("claims_malformed")),
		tok("exp 2^53 is too far away", "C35", tokensPage, expiring("9007199254740992"), reject("lifetime_too_long")),
		tok("exp -2^53-1 is malformed", "C35", numbersRFC, expiring("-9007199254740993"), reject("claims_malformed")),
		tok("exp -2^53 is expired", "C35", expRule, expiring("-9007199254740992"), reject("token_expired")),
		tok("exp in milliseconds is too far away", "C36", tokensPage, expiring(at(3299)+"000"), reject("lifetime_too_long")),
		tok("exp in microseconds is too far away", "C36", tokensPage, expiring(at(3299)+"000000"), reject("lifetime_too_long")),
		tok("exp in nanoseconds is malformed", "C36", numbersRFC, expiring(at(3299)+"000000000"), reject("claims_malformed")),
		tok("exp in milliseconds without iat is too far away", "C36", tokensPage, expiring(at(3299)+"000").without("iat"), reject("lifetime_too_long")),
		tok("lifetime of a day is accepted", "C36", tokensPage, expiring(at(aDay-300)), accept),
		tok("lifetime of a day and the leeway is accepted", "C36", tokensPage, expiring(at(aDay+30-300)), accept),
		tok("lifetime of a day, the leeway and a second is too long", "C36", tokensPage, expiring(at(aDay+31-300)), reject("lifetime_too_long")),
		tok("lifetime counts from now without iat, a day and the leeway", "C36", tokensPage, expiring(at(aDay+30)).without("iat"), accept),
		tok("lifetime counts from now without iat, a second more", "C36", tokensPage, expiring(at(aDay+31)).without("iat"), reject("lifetime_too_long")),
		tok("lifetime of an ID token of two days is too long", "C36", tokensPage, identity().claim("exp", at(2*aDay)), reject("lifetime_too_long")).in("id"),
		tok("lifetime of two days is accepted where it is configured", "C36", tokensPage, expiring(at(2*aDay)), accept).in("long life"),
		tok("lifetime of an hour and the leeway is accepted at a limit of an hour", "C36", tokensPage, expiring(at(3330)), accept).in("short life"),
		tok("lifetime of an hour, the leeway and a second is too long at a limit of an hour", "C36", tokensPage, expiring(at(3331)), reject("lifetime_too_long")).in("short life"),
		tok("exp in the year 10000 is too far away", "C36", tokensPage, expiring("253402300800"), reject("lifetime_too_long")),
		tok("exp 2^31 is too far away", "C36", tokensPage, expiring("2147483648"), reject("lifetime_too_long")),
		tok("exp 0 is expired", "C37", expRule, expiring("0"), reject("token_expired")),
		tok("exp 0.0 is expired", "C37", expRule, expiring("0.0"), reject("token_expired")),
		tok("exp -0 is expired", "C37", expRule, expiring("-0"), reject("token_expired")),
		tok("exp -1 is expired", "C37", expRule, expiring("-1"), reject("token_expired")),
		tok("exp -0.5 is expired", "C37", expRule, expiring("-0.5"), reject("token_expired")),
		tok("exp 1e-400 is expired", "C37", expRule, expiring("1e-400"), reject("token_expired")),
		tok("exp negated is expired", "C37", expRule, expiring("-"+at(3299)), reject("token_expired")),
		tok("exp 2^32 plus a good one is too far away", "C36", tokensPage, expiring("6067336995"), reject("lifetime_too_long")),
	}
}

func notBefore() []row {
	return []row{
		tok("nbf an hour ahead is refused", "C40", nbfRule, access().claim("nbf", at(3600)), reject("token_not_yet_valid")),
		tok("nbf a second beyond the leeway is refused", "C40", nbfRule, access().claim("nbf", at(31)), reject("token_not_yet_valid")),
		tok("nbf exactly the leeway ahead is accepted", "C41", nbfRule, access().claim("nbf", at(30)), accept),
		tok("nbf within the leeway is accepted", "C41", nbfRule, access().claim("nbf", at(29)), accept),
		tok("nbf now is accepted", "C41", nbfRule, access().claim("nbf", at(0)), accept),
		tok("nbf past is accepted", "C41", nbfRule, access().claim("nbf", at(-300)), accept),
		tok("nbf 0 is accepted", "C41", nbfRule, access().claim("nbf", "0"), accept),
		tok("nbf negative is accepted", "C41", nbfRule, access().claim("nbf", "-1"), accept),
		tok("nbf a nanosecond before its second is refused", "C40", nbfRule, access().claim("nbf", at(30)), reject("token_not_yet_valid")).at(-time.Nanosecond),
		tok("fraction of nbf counts as a second, beyond the leeway", "C40", dateRule, access().claim("nbf", at(30)+".1"), reject("token_not_yet_valid")),
		tok("fraction of nbf finer than a double counts as a second", "C40", dateRule, access().claim("nbf", at(30)+".00000000001"), reject("token_not_yet_valid")),
		tok("fraction of nbf counts as a second, within the leeway", "C41", dateRule, access().claim("nbf", at(29)+".9"), accept),
		tok("nbf in milliseconds is refused", "C40", nbfRule, access().claim("nbf", at(-300)+"000"), reject("token_not_yet_valid")),
		tok("nbf 2^53 is refused", "C40", nbfRule, access().claim("nbf", "9007199254740992"), reject("token_not_yet_valid")),
		tok("nbf of an ID token an hour ahead is refused", "C40", nbfRule, identity().claim("nbf", at(3600)), reject("token_not_yet_valid")).in("id"),
	}
}

func issuedAt() []row {
	return []row{
		tok("iat an hour ahead is refused", "C43", iatRule, access().claim("iat", at(3000)), reject("token_issued_in_future")),
		tok("iat a second beyond the leeway is refused", "C43", iatRule, access().claim("iat", at(31)), reject("token_issued_in_future")),
		tok("iat exactly the leeway ahead is accepted", "C43", iatRule, access().claim("iat", at(30)), accept),
		tok("iat within the leeway is accepted", "C43", iatRule, access().claim("iat", at(29)), accept),
		tok("iat now is accepted", "C43", iatRule, access().claim("iat", at(0)), accept).want(Want{IssuedAt: new(int64(clock))}),
		tok("fraction of iat counts as a second, beyond the leeway", "C43", dateRule, access().claim("iat", at(30)+".1"), reject("token_issued_in_future")),
		tok("fraction of iat counts as a second, within the leeway", "C43", dateRule, access().claim("iat", at(-300)+".1"), accept).want(Want{IssuedAt: new(int64(clock - 299))}),
		tok("iat in milliseconds is refused", "C43", iatRule, access().claim("iat", at(-300)+"000"), reject("token_issued_in_future")),
		tok("iat 2^53 is refused", "C43", iatRule, access().claim("iat", "9007199254740992"), reject("token_issued_in_future")),
		tok("iat of an ID token an hour ahead is refused", "C43", iatRule, identity().claim("iat", at(3000)), reject("token_issued_in_future")).in("id"),
		tok("iat missing is accepted", "C45", iatRule, access().without("iat"), accept),
		tok("iat 0 makes the lifetime too long", "C36", tokensPage, access().claim("iat", "0"), reject("lifetime_too_long")),
		tok("iat negative makes the lifetime too long", "C36", tokensPage, access().claim("iat", "-1"), reject("lifetime_too_long")),
		tok("iat -2^53 makes the lifetime too long", "C36", tokensPage, access().claim("iat", "-9007199254740992"), reject("lifetime_too_long")),
		tok("iat after exp is accepted while both are within the leeway", "C43", iatRule, access().claim("iat", at(20)).claim("exp", at(10)), accept),
		tok("auth_time missing is accepted", "", accessPage, access().without("auth_time"), accept),
		tok("auth_time of years ago is accepted without a rule", "", accessPage, access().claim("auth_time", "1500000000"), accept).want(Want{AuthTime: new(int64(1500000000))}),
		tok("fraction of auth_time counts as a second", "", dateRule, access().claim("auth_time", at(-300)+".5"), accept).want(Want{AuthTime: new(int64(clock - 299))}),
	}
}

// numbers are values that fit no time, for the claims whose table above does
// not have them.
func numbers() []row {
	var rows []row
	for _, claim := range []string{"nbf", "iat", "auth_time"} {
		for _, value := range []string{"1e300", "-1e300", "1e400", "9007199254740993", "-9007199254740993", "9223372036854775808", "18446744075481918016"} {
			rows = append(rows, tok(claim+" "+value+" is malformed", claimIDs[claim], numbersRFC, access().claim(claim, value), reject("claims_malformed")))
		}
	}
	return rows
}
