// Line drawings of 24 by 24, all of one stroke.
import type { ComponentChildren } from "preact";

function Icon({ children }: { children: ComponentChildren }) {
  return (
    <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
      {children}
    </svg>
  );
}

export const Brush = () => (
  <Icon>
    <path d="M20 4c-5 2-9 6-11 9.500l2.500 2.500C15 14 18 9 20 4z" />
    <path d="M8.500 14.500C6 14.500 5 16 5 18c0 1-.5 1.800-1.500 2 3.500.8 7-.2 7.500-3" />
  </Icon>
);
export const Coins = () => (
  <Icon>
    <ellipse cx="12" cy="6.500" rx="7" ry="3" />
    <path d="M5 6.500v5.500c0 1.660 3.130 3 7 3s7-1.340 7-3V6.500" />
    <path d="M5 12v5.500c0 1.660 3.130 3 7 3s7-1.340 7-3V12" />
  </Icon>
);
export const Key = () => (
  <Icon>
    <circle cx="8" cy="15.500" r="4" />
    <path d="M11 12.500 19.500 4M16 7.500l2.500 2.500" />
  </Icon>
);
export const Person = () => (
  <Icon>
    <circle cx="12" cy="8" r="3.700" />
    <path d="M4.500 20c.9-3.800 3.900-5.700 7.500-5.700s6.600 1.900 7.500 5.700" />
  </Icon>
);
export const Pulse = () => (
  <Icon>
    <path d="M3 12.500h4l3-8 4.500 15 2.800-7H21" />
  </Icon>
);
export const Stack = () => (
  <Icon>
    <path d="M12 4 3.500 8.300 12 12.600l8.500-4.300L12 4zM3.500 12.200 12 16.500l8.500-4.300M3.500 16.100 12 20.400l8.500-4.300" />
  </Icon>
);
export const People = () => (
  <Icon>
    <circle cx="9" cy="8.500" r="3.200" />
    <path d="M2.800 19.500c.7-3.300 3.200-5 6.200-5s5.500 1.700 6.200 5M15.500 5.600a3.200 3.200 0 0 1 0 5.800M17.700 15c1.900.7 3.100 2.200 3.600 4.500" />
  </Icon>
);
export const Pictures = () => (
  <Icon>
    <rect x="3.500" y="4.500" width="17" height="15" rx="2" />
    <path d="m4 16.500 4.500-5 4 4.500 2.500-2.500 5 4.500" />
    <circle cx="15.500" cy="9" r="1.500" />
  </Icon>
);
export const Bars = () => (
  <Icon>
    <path d="M4 20h16M6.500 20v-6M12 20V5M17.500 20V10" />
  </Icon>
);
export const Sun = () => (
  <Icon>
    <circle cx="12" cy="12" r="4" />
    <path d="M12 2.500v2M12 19.500v2M2.500 12h2M19.500 12h2M5.300 5.300l1.400 1.400M17.300 17.300l1.400 1.400M5.300 18.700l1.400-1.400M17.300 6.700l1.400-1.400" />
  </Icon>
);
export const Moon = () => (
  <Icon>
    <path d="M20 14.500A8.300 8.300 0 0 1 9.500 4a8.300 8.300 0 1 0 10.500 10.500z" />
  </Icon>
);
export const Out = () => (
  <Icon>
    <path d="M14 4.500H6.500a1.500 1.500 0 0 0-1.500 1.500v12a1.500 1.500 0 0 0 1.500 1.500H14M10 12h10.500M17 8.500l3.500 3.500-3.500 3.500" />
  </Icon>
);
export const Menu = () => (
  <Icon>
    <path d="M4 7h16M4 12h16M4 17h16" />
  </Icon>
);
export const Cross = () => (
  <Icon>
    <path d="m6 6 12 12M18 6 6 18" />
  </Icon>
);
export const Back = () => (
  <Icon>
    <path d="M10.500 5.500 4 12l6.500 6.500M4.500 12H20" />
  </Icon>
);

/** The mark: a stroke on a ground. */
export const Mark = () => (
  <svg viewBox="0 0 32 32" aria-hidden="true">
    <rect width="32" height="32" rx="7" fill="#22305f" />
    <path d="M8 21.500c3.200-7.400 6-10.600 8.400-9.600 3 1.300-2.600 6.600.2 7.800 1.900.8 4.200-1.200 7.400-6.200" fill="none" stroke="#f6f3ea" stroke-width="3" stroke-linecap="round" />
  </svg>
);

/** A frame on an easel, for what is empty. */
export const EmptyFrame = () => (
  <svg viewBox="0 0 72 56" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
    <rect x="12" y="4" width="48" height="36" rx="3" />
    <path d="M20 52l6-12M52 52l-6-12M36 40v10M22 30l8-9 7 8 5-5 9 8" />
  </svg>
);
