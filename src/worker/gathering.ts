/** Results and values wait for each other this long, in milliseconds. Less costs messages, more delays the owner. */
export const GATHER_MILLISECONDS = 0.5;

/** Tasks or values between two looks at the clock, if they take about no time. */
export const CLOCK_INTERVAL = 16;
