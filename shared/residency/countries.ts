/** Which two letters name a country, and which countries belong to the European Union. */

/**
 * ISO 3166-1 alpha-2, the 249 codes assigned as of 2024-12, and XK, which the standard leaves to its users and which
 * platforms send for Kosovo. Everything else (T1 for Tor, XX, UK, EL, ZZ) names no country.
 */
const CODES = `
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ
CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR
GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP
KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY
MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM
PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ
TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW`

/** The 27 member states since the United Kingdom left on 2020-02-01 (Treaty on European Union, Article 52). */
const EU_STATES = 'AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK' as const

/**
 * Parts of member states with codes of their own in which the Treaties apply (Treaty on the Functioning of the European
 * Union, Articles 349 and 355): French Guiana, Guadeloupe, Martinique, Mayotte, Réunion, Saint-Martin, and Åland.
 */
const EU_TERRITORIES = 'AX GF GP MF MQ RE YT' as const

export const COUNTRIES: ReadonlySet<string> = new Set(CODES.trim().split(/\s+/))
const EU_MEMBERS: ReadonlySet<string> = new Set(`${EU_STATES} ${EU_TERRITORIES}`.split(' '))

/** Whether a country is in the European Union, by the lists above. */
export function isEuMember(country: string): boolean {
  return EU_MEMBERS.has(country)
}
