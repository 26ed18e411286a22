; Putting whole screens and sprites on the display.
.include "ram.inc"
.include "routines.inc"

.segment "CODE"

; A = screen.  Rendering goes off for the time; takes a few frames, NMIs go on.
.proc load_screen
  sta screen_drawn
  lda #0
  sta ppu_mask
  sta field_shown
  sta level_sprites
  jsr hide_sprites
  jsr wait_frame                ; the NMI switches rendering off in vertical blank
  lda #1
  sta ppu_busy
  jsr write_palette
  jsr write_screen
  jsr wait_frame                ; begin the picture at its top
  lda #0
  sta ppu_busy
  lda #MASK_ALL
  sta ppu_mask
  rts
.endproc

.proc write_palette
  bit PPUSTATUS
  lda #$3F
  sta PPUADDR
  lda #0
  sta PPUADDR
  tax
: lda palette, x
  sta PPUDATA
  inx
  cpx #32
  bne :-
  rts
.endproc

.proc write_screen
  ldx screen_drawn
  lda screens_low, x
  sta source
  lda screens_high, x
  sta source + 1
  lda #$20
  sta PPUADDR
  ldy #0
  sty PPUADDR
  ldx #4
: lda (source), y
  sta PPUDATA
  iny
  bne :-
  inc source + 1
  dex
  bne :-
  rts
.endproc

; --- sprites --------------------------------------------------------------------------------
.proc hide_sprites
  ldx #0
  stx oam_cursor
  lda #$FF
: sta oam, x
  inx
  inx
  inx
  inx
  bne :-
  rts
.endproc

; A = tile, at spr_x, spr_y with spr_attr.
.proc put_sprite
  ldx oam_cursor
  sta oam + 1, x
  lda spr_y
  sta oam, x
  lda spr_attr
  sta oam + 2, x
  lda spr_x
  sta oam + 3, x
  txa
  clc
  adc #4
  sta oam_cursor
  rts
.endproc

; A line of sprites: A/X = address of (x, y, tiles..., $FF).
.proc draw_text_sprites
  sta source
  stx source + 1
  ldy #0
  lda (source), y
  sta spr_x
  iny
  lda (source), y
  sta spr_y
  lda #1
  sta spr_attr
@next:
  iny
  lda (source), y
  bmi @done
  jsr put_sprite
  lda spr_x
  clc
  adc #8
  sta spr_x
  bne @next
@done:
  rts
.endproc

; --- a level's sprites: the falling capsule, the next one, the speed -----------------------------
; Of the player at work, added to those that are there.
.proc draw_level_sprites
  lda #0
  sta spr_attr
  lda P + O_ACTION
  beq @falling
  cmp #ACT_SPAWNED
  beq @falling
  cmp #ACT_THROWING
  bne @next
  jsr two_play
  bcs @next
  jsr draw_thrown
  jmp draw_speed
@falling:
  jsr draw_falling
@next:
  jsr draw_next
  jsr two_play
  bcc :+
  rts
: jmp draw_speed
.endproc

.proc draw_falling
  ldx player
  lda field_column - 4, x
  clc
  adc P + O_X
  asl a
  asl a
  asl a
  sta spr_x
  ldx P + O_Y
  lda row_of_height, x          ; already times 8
  clc
  adc #FIELD_ROW * 8 - 1
  sta spr_y
  lda P + O_COLOUR1
  sta t0
  lda P + O_COLOUR2
  sta t1
  lda P + O_ROT
  ; fall through
.endproc

; A = rotation, t0/t1 = first and second colour, lower-left cell at spr_x, spr_y.
.proc draw_capsule
  tay
  cmp #2
  bcc :+
  ldx t0                        ; rotations 2 and 3 have the second colour first
  lda t1
  sta t0
  stx t1
: tya
  lsr a
  bcs @vertical
  lda t0
  ora #CELL_LEFT
  jsr put_sprite
  lda spr_x
  clc
  adc #8
  sta spr_x
  lda t1
  ora #CELL_RIGHT
  jmp put_sprite
@vertical:
  lda t0
  ora #CELL_BOTTOM
  jsr put_sprite
  lda spr_y
  sec
  sbc #8
  sta spr_y
  lda t1
  ora #CELL_TOP
  jmp put_sprite
.endproc

NEXT_X = 200
NEXT_Y = 75
VERSUS_NEXT_Y = 47

.proc draw_next
  lda #NEXT_X
  ldy #NEXT_Y
  jsr two_play
  bcc :+
  ldx player
  lda next_x - 4, x
  ldy #VERSUS_NEXT_Y
: sta spr_x
  sty spr_y
  lda P + O_NEXT1
  sta t0
  lda P + O_NEXT2
  sta t1
  lda #0
  jmp draw_capsule
.endproc

; The next capsule flies from its window into the neck, spinning.
.proc draw_thrown
  ldx throw_step
  lda throw_x, x
  sta spr_x
  lda throw_y, x
  sta spr_y
  lda P + O_NEXT1
  sta t0
  lda P + O_NEXT2
  sta t1
  lda throw_rot, x
  sta P + O_NEXT_ROT
  jmp draw_capsule
.endproc

.proc draw_speed
  ldx P + O_SPEED
  lda speed_names_low, x
  ldy speed_names_high, x
  pha
  tya
  tax
  pla
  jmp draw_text_sprites
.endproc

.segment "DATA"
SPEED_X = 200
SPEED_Y = 151
low_name:
  .byte SPEED_X, SPEED_Y, $15, $18, $20, $FF
med_name:
  .byte SPEED_X, SPEED_Y, $16, $0E, $0D, $FF
hi_name:
  .byte SPEED_X + 8, SPEED_Y, $11, $12, $FF
next_x:                         ; of two players: over their bottles
  .byte (FIELD1_COLUMN + 3) * 8, (FIELD2_COLUMN + 3) * 8
speed_names_low:
  .byte <low_name, <med_name, <hi_name
speed_names_high:
  .byte >low_name, >med_name, >hi_name
