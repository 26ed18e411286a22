; What a lock leads to: loose pieces fall, lines of four vanish, until nothing changes.
; One step per frame (o07), as the original spreads it; a step that has to wait for the
; field's redraw stays where it is, and that wait is what sets the rhythm of 16 frames.
.include "ram.inc"
.include "routines.inc"

STEP_FALL = 3
MATCH_LENGTH = 4

run_length = t1
run_colour = t2
run_start = t3
stride = t4
line_length = t5
cells_left = t6

.segment "CODE"

.proc resolve_frame
  lda P + O_STEP
  asl a
  tax
  lda step_table + 1, x
  pha
  lda step_table, x
  pha
  rts
.endproc

step_table:
  .addr reset_counts - 1, next_step - 1, next_step - 1, fall_step - 1, begin_match - 1
  .addr match_rows - 1, match_columns - 1, update_step - 1, finish - 1

.proc reset_counts
  lda #0
  sta P + O_MATCHES
  sta P + O_CELLS
  sta P + O_KILLS
  ; fall through
.endproc

next_step:
  inc P + O_STEP
  rts

.proc fall_step
  lda P + O_REDRAW
  bmi :+
  rts                           ; the last change is not on the screen yet
: jsr forget_emptied
  jsr fall_pass
  lda t0
  beq next_step                 ; nothing moved: look for lines
  lda #LAST_ROW
  sta P + O_REDRAW
  rts
.endproc

.proc begin_match
  lda #0
  sta P + O_MATCHED
  beq next_step
.endproc

.proc match_rows
  lda #1
  sta stride
  lda #8
  sta line_length
  ldy #0
: jsr match_line                ; leaves Y one past the line
  cpy #128
  bne :-
  jmp next_step
.endproc

.proc match_columns
  lda #8
  sta stride
  lda #16
  sta line_length
  ldy #0
: jsr match_line                ; leaves Y at column + 128
  tya
  sec
  sbc #127
  tay
  cpy #8
  bne :-
  jmp next_step
.endproc

.proc update_step
  lda P + O_MATCHED
  beq next_step
  lda #STEP_FALL
  sta P + O_STEP
  jmp update_field
.endproc

.proc finish
  lda #0
  sta P + O_STEP
  lda #ACT_ATTACKS
  sta P + O_ACTION
  jmp queue_attack
.endproc

; --- falling pieces --------------------------------------------------------------------------
; $F0-$F2 -> $FF
.proc forget_emptied
  ldy #127
@cell:
  lda (field), y
  cmp #CELL_EMPTIED
  bcc @next
  lda #CELL_EMPTY
  sta (field), y
@next:
  dey
  bpl @cell
  rts
.endproc

; Everything unsupported falls one row, the lowest row first.  t0 = whether anything moved.
.proc fall_pass
  lda #0
  sta t0
  ldy #119
@cell:
  lda (field), y
  cmp #CELL_CLEARING
  bcs @next                     ; viruses hang, the rest is empty
  tax
  and #$F0
  cmp #CELL_RIGHT
  beq @next                     ; goes with its left half
  cmp #CELL_LEFT
  beq @pair
  lda (field_below), y
  cmp #CELL_EMPTIED
  bcc @next
  txa
  sta (field_below), y
@vacate:
  lda #CELL_EMPTY
  sta (field), y
  sta t0
@next:
  dey
  bpl @cell
  rts
@pair:
  lda (field_below), y
  cmp #CELL_EMPTIED
  bcc @next
  lda (field_belowr), y
  cmp #CELL_EMPTIED
  bcc @next
  txa
  sta (field_below), y
  iny
  lda (field), y
  sta (field_below), y
  lda #CELL_EMPTY
  sta (field), y
  dey
  bpl @vacate                   ; always
.endproc

; --- lines --------------------------------------------------------------------------------------
; One line from cell Y on.  A run ends at another colour, an empty cell or the line's end.
.proc match_line
  lda line_length
  sta cells_left
  lda #0
  sta run_length
  lda #$FF
  sta run_colour
@cell:
  lda (field), y
  cmp #CELL_EMPTIED
  bcs @empty
  and #3
  cmp run_colour
  beq @longer
  jsr end_run                   ; keeps A
  sta run_colour
  sty run_start
  lda #0
  sta run_length
@longer:
  inc run_length
@next:
  tya
  clc
  adc stride
  tay
  dec cells_left
  bne @cell
  jmp end_run
@empty:
  jsr end_run
  lda #$FF
  sta run_colour
  lda #0
  sta run_length
  beq @next
.endproc

; Marks a run of four or more.  Keeps A and Y.
.proc end_run
  ldx run_length
  cpx #MATCH_LENGTH
  bcs mark_run
  rts
.endproc

.proc mark_run
  pha
  tya
  pha
  ldx P + O_MATCHES
  cpx #4
  bcs :+
  lda run_colour
  sta P + O_MATCH_COLOURS, x    ; what an opponent would receive
: inc P + O_MATCHES
  lda #1
  sta P + O_MATCHED
  ldy run_start
@cell:
  jsr clear_cell
  tya
  clc
  adc stride
  tay
  dec run_length
  bne @cell
  pla
  tay
  pla
  rts
.endproc

; Cell Y of a run: $Bx.  A cell of two runs counts once.
.proc clear_cell
  lda (field), y
  and #$F0
  cmp #CELL_CLEARING
  beq @mark
  inc P + O_CELLS
  cmp #CELL_VIRUS
  bne @mark
  jsr kill_virus
@mark:
  lda run_colour
  ora #CELL_CLEARING
  sta (field), y
  rts
.endproc

.proc kill_virus
  ldx run_colour
  dec virus_tally, x
  lda P + O_VIRUSES
  jsr bcd_down
  sta P + O_VIRUSES
  jsr two_play
  bcs :+
  jsr add_score                 ; by the kills before this one; two players have no score
: inc P + O_KILLS
  rts
.endproc

; --- after a match ----------------------------------------------------------------------------------
; $Bx -> $Fx, halves that lost their partner become singles, the whole field is redrawn.
.proc update_field
  lda #LAST_ROW
  sta P + O_REDRAW
  ldy #0
@cell:
  lda (field), y
  cmp #CELL_EMPTIED
  bcs @next
  tax
  and #$F0
  cmp #CELL_CLEARING
  beq @emptied
  bcs @next                     ; a virus
  cmp #CELL_LEFT
  beq @left
  cmp #CELL_RIGHT
  beq @right
  cmp #CELL_TOP
  beq @top
  cmp #CELL_BOTTOM
  beq @bottom
@next:
  iny
  bpl @cell
  rts
@emptied:
  txa
  ora #CELL_EMPTIED             ; $B0 | $F0
  sta (field), y
  bne @next
@left:
  iny
  lda (field), y
  dey
  ldx #CELL_RIGHT
  bne @partner
@right:
  dey
  lda (field), y
  iny
  ldx #CELL_LEFT
  bne @partner
@top:
  lda (field_below), y
  ldx #CELL_BOTTOM
  bne @partner
@bottom:
  ldx #0
  cpy #8
  bcc @partner                  ; its upper half was cut off
  tya
  sbc #8
  sty t0
  tay
  lda (field), y
  ldy t0
  ldx #CELL_TOP
@partner:
  stx t0
  and #$F0
  cmp t0
  beq @next
  lda (field), y
  and #3
  ora #CELL_SINGLE
  sta (field), y
  bne @next
.endproc
