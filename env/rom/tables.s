; Tables of the rules and of the screens.
.include "ram.inc"
.include "routines.inc"

.segment "DATA"

; field index of column 0 at each height
row_of_height:
.repeat 16, I
  .byte (15 - I) * 8
.endrepeat

; frames a row takes, by speed base + speed-ups; starts: LOW 40, MED 20, HI 14
speed_base:
  .byte 15, 25, 31
frames_per_row:
.repeat 26, I
  .byte 70 - 2 * I
.endrepeat
.repeat 9, I
  .byte 19 - I
.endrepeat
  .byte 10, 10, 9, 9, 8, 8, 7, 7
  .byte 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6
  .byte 5, 5, 5, 5, 5, 4, 4, 4, 4, 4, 3, 3, 3, 3, 3
  .byte 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1

; capsule ids: left = id div 3, right = id mod 3
colour1_of:
  .byte 0, 0, 0, 1, 1, 1, 2, 2, 2
colour2_of:
  .byte 0, 1, 2, 0, 1, 2, 0, 1, 2
colour_bit:
  .byte 1, 2, 4

; 5 yellow, 6 red, 5 blue
virus_colours:
  .byte 0, 1, 2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0, 1, 2, 1
virus_total:
.repeat 21, I
  .byte 4 * (I + 1)
.endrepeat
  .byte 84, 84, 84, 84
; greatest height of a virus
virus_top:
  .byte 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9
  .byte 10, 10, 11, 11, 12, 12, 12, 12, 12, 12

; hundreds per kill: (speed + 1) * 1, 2, 4, 8, 16, 32, in decimal digits
kill_ones:
  .byte 1, 2, 4, 8, 6, 2,  2, 4, 8, 6, 2, 4,  3, 6, 2, 4, 8, 6
kill_tens:
  .byte 0, 0, 0, 0, 1, 3,  0, 0, 0, 1, 3, 6,  0, 0, 1, 2, 4, 9

; where the rows of the fields are on the screen, in column 0
row_address_high:
.repeat 16, I
  .byte >($2000 + (FIELD_ROW + I) * 32)
.endrepeat
row_address_low:
.repeat 16, I
  .byte <($2000 + (FIELD_ROW + I) * 32)
.endrepeat

; how a thrown capsule spins
throw_rot:
  .byte 0, 0, 3, 3, 3, 2, 2, 2, 1, 1, 1, 0, 0, 0, 3, 3, 2, 2, 1, 1, 0, 0, 0

.charmap 'A', $0A
.charmap 'C', $0C
.charmap 'D', $0D
.charmap 'E', $0E
.charmap 'G', $10
.charmap 'H', $11
.charmap 'L', $15
.charmap 'M', $16
.charmap 'N', $17
.charmap 'O', $18
.charmap 'P', $19
.charmap 'R', $1B
.charmap 'S', $1C
.charmap 'T', $1D
.charmap 'U', $1E
.charmap 'V', $1F
.charmap 'W', $20
.charmap ' ', $FE
.charmap '<', $8E
.charmap '>', $8F
.macro box_top
  .byte $8B, $8C, $8C, $8C, $8C, $8C, $8C, $8D
  .byte "<      >"
.endmacro

.macro box_bottom
  .byte "<      >"
  .byte $ED, $EE, $EE, $EE, $EE, $EE, $EE, $EF
.endmacro

.macro box_press_start
  .byte "<      >"
  .byte "<PRESS >"
  .byte "< START>"
  box_bottom
.endmacro

stage_clear_box:
  box_top
  .byte "<STAGE >"
  .byte "< CLEAR>"
  box_press_start
round_won_box:
  box_top
  .byte "<ROUND >"
  .byte "<  WON >"
  box_press_start
match_won_box:
  box_top
  .byte "<MATCH >"
  .byte "<  WON >"
  box_press_start
cutscene_box:
  box_top
  .byte "< WELL >"
  .byte "< DONE >"
  box_press_start
draw_box:
  box_top
  .byte "< DRAW >"
  box_bottom
game_over_box:
  box_top
  .byte "< GAME >"
  .byte "<      >"
  .byte "< OVER >"
  box_bottom
