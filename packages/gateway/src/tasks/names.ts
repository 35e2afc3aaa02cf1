/** Names that members of arguments have everywhere. Where a grant does not name a member, its name can say anything. */

const COMMON = new Set(
  [
    'to cc bcc from recipient recipients sender attendees participants user users username email emails address phone',
    'subject title body text html content message messages comment description summary note value values key data',
    'name id ids type kind format status label labels tag tags language',
    'url uri link path file files filename folder channel repo repository branch owner ref',
    'query q search filter sort order limit offset page cursor count number size',
    'date time start end from_date to_date start_time end_time timezone duration amount currency price account',
    'date_time time_zone start_date end_date due_date all_day day month year hours minutes reminders',
    'first_name last_name display_name full_name phone_number email_address company role permission',
    'street city state region zip postal_code country',
    'item items line_items sku quantity unit unit_price total tax rows row columns column cells cell fields field',
    'project parent priority assignee due method headers params options properties attachments',
  ].flatMap((line) => line.split(' ')),
)

/** Whether a name is such a one, in whatever case and however its words are joined. */
export function isCommonName(name: string): boolean {
  return COMMON.has(name) || COMMON.has(name.replace(/(?<=[a-z])[A-Z]/g, '_$&').toLowerCase())
}
