// A sunset over mountains, in flat layers: the picture beside the door.
export function DoorArt() {
  return (
    <svg viewBox="0 0 800 1000" preserveAspectRatio="xMidYMid slice" aria-hidden="true">
      <defs>
        <linearGradient id="sky" x1="0" y1="0" x2="0" y2="1">
          <stop offset="0" class="sky-1" />
          <stop offset="0.55" class="sky-2" />
          <stop offset="0.8" class="sky-3" />
        </linearGradient>
      </defs>
      <rect width="800" height="1000" fill="url(#sky)" />
      <circle class="sun" cx="520" cy="520" r="92" />
      <path class="hill-1" d="M0 610 90 560l70 34 96-98 84 78 66-40 92 70 110-118 88 92 104-66v488H0z" />
      <path class="hill-2" d="M0 700l120-74 86 58 120-92 104 92 92-48 130 86 148-92v370H0z" />
      <path class="hill-3" d="M0 770c110-64 190-58 292-14s190 40 288-8 160-42 220-18v270H0z" />
      <path class="hill-4" d="M0 862c150-48 260-34 384-4s276 22 416-38v180H0z" />
    </svg>
  );
}
